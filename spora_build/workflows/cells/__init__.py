"""Instance masks, annotations and measurements: cells.parquet and the cell masks."""

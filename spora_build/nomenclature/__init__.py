"""Names: HUGO symbols, UniProt accessions, snake_case columns, dataset names."""

"""The report: numbers and small pictures in, one self-contained HTML page out. Reads no dataset."""

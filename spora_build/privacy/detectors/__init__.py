"""One file per kind of identifier, each with a function from a column to what it found there, or None."""

"""Array in, array out: no paths, no files."""

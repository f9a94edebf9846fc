"""Proof about a finished dataset: the rules of the format, and that no identifier is in it."""

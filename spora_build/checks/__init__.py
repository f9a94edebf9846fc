"""The rules of the format: one small object each."""

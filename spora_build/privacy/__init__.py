"""Pseudonyms, and the gate that keeps identifiers out."""

"""Tiles of every tissue mask, and their tables."""

"""A small raw folder made by code, for a first try and for tests."""

"""How often each value occurs, and the standardization tables from it."""

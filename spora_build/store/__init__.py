"""Arrays and tables to and from disk."""

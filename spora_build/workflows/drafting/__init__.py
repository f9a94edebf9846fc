"""What is in a raw folder, and sheets drafted from it."""

"""The tissue mask of every tissue at every pixel size."""

"""A planned tissue becomes stored images."""

"""A dataset to and from a bucket."""

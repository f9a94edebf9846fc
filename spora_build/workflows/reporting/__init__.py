"""A dataset is looked at, and told of in one page or picture."""

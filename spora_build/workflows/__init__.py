"""The stages: the only place where the wings meet."""

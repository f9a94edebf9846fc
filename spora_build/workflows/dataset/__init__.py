"""What stands on disk: who is in a dataset, who holds it, what is left over, what is changed in place."""

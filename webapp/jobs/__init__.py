"""A run, its log and its files."""

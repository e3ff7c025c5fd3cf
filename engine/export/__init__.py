"""What a run delivers, and how it is loaded again."""

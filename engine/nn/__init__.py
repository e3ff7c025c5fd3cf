"""Networks: built by name, described layer by layer, filled with weights."""

"""Real measurement: every block of a space or layer of a model, timed on this machine."""

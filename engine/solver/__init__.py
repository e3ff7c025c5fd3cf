"""Policies under a budget, exactly and at once: numpy, no torch."""

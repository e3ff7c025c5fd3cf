"""HAQ: bits for every layer by reinforcement learning, and what it has to beat."""

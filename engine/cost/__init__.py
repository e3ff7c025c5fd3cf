"""Cost models: what a layer or a network costs on a target."""

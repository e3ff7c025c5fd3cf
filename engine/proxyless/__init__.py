"""ProxylessNAS: one network that holds all of a space's networks, and the search in it."""

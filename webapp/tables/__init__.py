"""Tables of times that teams brought or measured, as target devices of their own."""

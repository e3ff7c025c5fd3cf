"""Training and evaluation of float networks, interruptible and resumable."""

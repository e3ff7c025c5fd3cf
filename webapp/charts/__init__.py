"""Figures and their table twins: pure functions of schema objects, no ORM and no request."""

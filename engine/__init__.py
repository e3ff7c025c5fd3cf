"""Bespoke's engine: searches, cost models and the data they run on. Knows nothing of the web."""

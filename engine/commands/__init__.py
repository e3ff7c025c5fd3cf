"""The engine's command line: a file for each command, and what they share."""

"""The types that cross a border between processes or rooms: frozen dataclasses, no torch."""

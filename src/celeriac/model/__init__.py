"""Frozen values and their pure transitions: what Celeriac knows, and how knowing changes."""

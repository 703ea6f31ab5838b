"""Correcting customers, wherever they are shown."""

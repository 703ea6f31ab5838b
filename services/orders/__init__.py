"""Orders: finding one, and everything about it."""

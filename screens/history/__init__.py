"""One record through time."""

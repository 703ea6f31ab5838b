"""One run: what it does at this moment, and what an operator can decide about it."""

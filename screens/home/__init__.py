"""What is at stake, and what needs a person."""

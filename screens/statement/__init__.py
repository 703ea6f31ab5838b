"""A customer's monthly statement."""

"""Subscriptions: what they deliver on which day."""

"""Deliveries: a day's list, and the confirmation of an order."""

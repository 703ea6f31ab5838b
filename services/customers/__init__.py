"""Customers, and which customer an order belongs to."""

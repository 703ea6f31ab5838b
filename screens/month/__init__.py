"""The month of all customers."""

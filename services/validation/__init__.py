"""The 27 validators: what the console holds against a value before it writes it, and in an order that is stored."""

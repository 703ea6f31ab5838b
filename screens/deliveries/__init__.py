"""A day's deliveries, and confirming them."""

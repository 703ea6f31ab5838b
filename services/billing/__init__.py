"""What a customer owes for what was delivered, and in which month."""

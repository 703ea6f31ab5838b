"""The services that carry a message to a customer's phone, and how to reach the one that is configured."""

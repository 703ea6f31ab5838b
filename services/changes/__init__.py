"""The one way to write to the business's collections."""

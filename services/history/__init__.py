"""What a record was at any time, and who touched it, from its audit entries."""

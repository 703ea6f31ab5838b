"""Looking orders up."""

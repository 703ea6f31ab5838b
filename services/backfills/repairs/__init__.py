"""The backfills: each file says what, nothing of how."""

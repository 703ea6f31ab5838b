"""Stored documents read tolerantly: what is odd about one becomes a finding on it, never an error."""

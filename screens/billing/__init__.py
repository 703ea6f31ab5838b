"""Billing what was never billed: preview, commit, receipt."""

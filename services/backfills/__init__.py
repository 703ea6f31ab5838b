"""Backfills: one engine that previews, pins, commits and resumes; each backfill says only what it would change."""

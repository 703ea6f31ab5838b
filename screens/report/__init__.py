"""The recovery report of a run."""

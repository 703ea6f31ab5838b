"""The demo: an embedded MongoDB, and the data of a small delivery company in it."""

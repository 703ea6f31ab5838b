"""Who may use the console on a database, and in which roles."""

"""What the console can do, for a screen, a command or a test alike. Imports no user interface."""

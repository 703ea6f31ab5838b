"""One module per command group; each is loaded when its command is called."""

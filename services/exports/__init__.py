"""Tables as files: Markdown, CSV, spreadsheets and JSON."""

"""What a person sees: one folder per screen, and the widgets that they share."""

"""Payment reminders: read before they go out, released, sent, cancelled."""

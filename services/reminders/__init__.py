"""Payment reminders: rows held with the bills that cause them, one message per customer, sent when released."""

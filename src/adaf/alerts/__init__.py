"""A user's alerts: newest first, counted, and marked as read."""

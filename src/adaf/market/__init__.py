"""Market data: the same answers for every signed-in user."""

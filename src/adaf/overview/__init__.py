"""The user's own money at a glance, over all of their portfolios."""

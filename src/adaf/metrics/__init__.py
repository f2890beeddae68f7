"""What the dashboard counts besides what Pack 2 counts of every application."""

"""Signals that strategies gave, by asset, strategy, direction and tag."""

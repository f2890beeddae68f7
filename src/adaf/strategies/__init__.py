"""Strategies: their daily returns, their ranking, and runs that calculate one anew from candles."""

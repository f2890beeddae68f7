"""Portfolios: what a user holds, what it is worth, how it got there, and the recording of trades."""

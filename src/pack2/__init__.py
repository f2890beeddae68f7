"""Pack 2: measure, propose, apply, prove, and keep or take back what makes a web application faster."""

__version__ = "0.1.0"

"""`adaf run`: services, data, measurement, tuning and the served dashboard, with one command."""

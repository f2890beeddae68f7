"""ADAF Dashboard: a digital-asset investment dashboard on PostgreSQL, made fast by Pack 2."""

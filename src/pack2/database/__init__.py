"""Pack 2's database tuning: the workload, indexes that are measured, and incrementally maintained rollups."""

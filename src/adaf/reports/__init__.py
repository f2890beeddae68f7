"""Reports: asked for in a request, made by a worker as PDF or CSV, kept for a while, for their owner only."""

"""Search over notes, assets, portfolios and strategies, and the research notes themselves."""

"""Sample data: seeded, coherent, the same bytes for the same seed, at four sizes."""

from __future__ import annotations

from adaf.sample.holdings import Sample
from adaf.sample.loading import Loaded, load
from adaf.sample.passwords import Passwords
from adaf.sample.sizes import SAMPLE_END, SIZES

__all__ = ["SAMPLE_END", "SIZES", "Loaded", "Passwords", "Sample", "load"]

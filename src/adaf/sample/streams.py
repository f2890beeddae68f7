"""One independent random stream a table (and day), so that more rows in one table never shift another."""

from __future__ import annotations

from zlib import crc32

import numpy as np


def stream(seed: int, name: str, *keys: int) -> np.random.Generator:
    """The generator of `name` (and `keys`, such as a day number) under `seed`; equal on every machine."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, crc32(name.encode()), *keys])))


def zipf_weights(
    count: int, exponent: float, offset: float = 0.0
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Zipf–Mandelbrot probabilities of ranks 1..count."""
    weights = (np.arange(1, count + 1) + offset) ** -exponent
    return np.asarray(weights / weights.sum())

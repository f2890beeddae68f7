"""Research notes in plain financial English: sentences from templates, topics by Zipf, so that search has
common and rare words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from adaf.sample import copy_format as copy
from adaf.sample.copy_format import Field
from adaf.sample.sizes import DAY_MICROSECONDS, SAMPLE_END_MICROSECONDS, Size
from adaf.sample.streams import stream, zipf_weights
from adaf.sample.universe import Asset

# Most frequent first.
_TOPICS = (
    "liquidity", "momentum", "realised volatility", "order flow", "spot demand", "open interest",
    "funding rates", "market depth", "trading volume", "staking yield", "network activity",
    "exchange balances", "correlation with the market", "option skew", "institutional inflows",
    "fee revenue", "active addresses", "the basis", "stablecoin supply", "developer activity",
    "treasury spending", "token unlocks", "validator participation", "governance turnout",
    "bridge deposits", "lending demand", "liquidation risk", "implied volatility", "miner selling",
    "the regulatory outlook", "cross-chain settlement", "custody demand", "index rebalancing",
    "dealer gamma", "protocol upgrades", "airdrop farming", "insurance premiums", "oracle latency",
    "sequencer revenue", "slashing incidents",
)  # fmt: skip
_CHANGES = (
    "improved", "weakened", "stabilised", "recovered", "faded", "accelerated", "normalised", "deteriorated",
    "surprised on the upside", "fell short of expectations", "diverged from the price", "held steady",
)  # fmt: skip
_REASONS = (
    "as market makers widened their quotes", "after a week of steady inflows",
    "while leverage was reduced across venues", "despite a calm macro calendar",
    "on the back of stronger usage", "because dealers hedged their exposure", "ahead of the next unlock",
    "as the dollar strengthened", "after the rate decision", "while retail interest cooled",
    "as arbitrage desks returned", "following the outage of a large venue", "with no single catalyst",
    "for the third week in a row",
)  # fmt: skip
_EVIDENCE = (
    "The {horizon} average rose by {percent} percent.",
    "It stands {percent} percent below its {horizon} high.",
    "Depth within one percent of the mid price is {percent} percent thinner than a month ago.",
    "Our {horizon} score moved to the {decile} decile of its history.",
    "The {horizon} hedging cost is {percent} basis points.",
    "Sellers absorbed {percent} percent of the volume on the day.",
)  # fmt: skip
_HORIZONS = ("five-day", "ten-day", "thirty-day", "ninety-day", "one-year")
_DECILES = ("bottom", "second", "middle", "eighth", "top")
_VIEWS = (
    "We keep a neutral stance and prefer to add on weakness.",
    "The balance of risk and reward is now skewed to the upside.",
    "We would reduce exposure into strength and wait for a better entry.",
    "A break of the recent range would change our view.",
    "Position sizes should reflect the higher volatility regime.",
    "We expect mean reversion over the coming sessions.",
    "A tight stop below the weekly low limits the damage if we are wrong.",
    "We upgrade the asset to overweight in the model portfolio.",
    "We downgrade the asset to underweight until funding resets.", "The position pays carry while we wait.",
)  # fmt: skip
_TAGS = (
    "weekly",
    "flows",
    "technical",
    "fundamental",
    "derivatives",
    "onchain",
    "macro",
    "risk",
    "event",
    "valuation",
)


def research_notes(size: Size, seed: int, universe: list[Asset]) -> Iterator[dict[str, Field]]:
    """One batch, by time of publication."""
    rng = stream(seed, "research_notes")
    count = size.notes
    asset = rng.choice(size.assets, count, p=zipf_weights(size.assets, 0.9, 2.0))
    notes = [_note(universe[number], rng) for number in asset.tolist()]
    published = rng.integers(SAMPLE_END_MICROSECONDS - 365 * DAY_MICROSECONDS, SAMPLE_END_MICROSECONDS, count)
    yield {
        "id": copy.int8(np.arange(1, count + 1)),
        "asset_id": copy.int4(asset + 1),
        "author_id": copy.int8(rng.integers(1, size.users + 1, count)),
        "title": copy.text([title for title, _ in notes]),
        "body": copy.text([body for _, body in notes]),
        "tags": copy.text_array([sorted(_some(rng, _TAGS, 3)) for _ in notes]),
        "published_at": copy.timestamptz(np.sort(published)),
    }


def _note(asset: Asset, rng: np.random.Generator) -> tuple[str, str]:
    """Title and body."""
    paragraphs = int(rng.integers(2, 6))
    topics = rng.choice(len(_TOPICS), paragraphs, p=_TOPIC_WEIGHTS).tolist()
    draws = rng.random((paragraphs, 6)).tolist()
    title = f"{asset.name}: {_TOPICS[topics[0]]} {_pick(_CHANGES, draws[0][0])}"
    body = [_paragraph(asset.symbol, topic, draw) for topic, draw in zip(topics, draws, strict=True)]
    return title, " ".join([*body, _pick(_VIEWS, float(rng.random()))])


def _paragraph(symbol: str, topic: int, draw: list[float]) -> str:
    subject = _TOPICS[topic]
    change, reason = _pick(_CHANGES, draw[0]), _pick(_REASONS, draw[1])
    claim = f"{subject[0].upper()}{subject[1:]} in {symbol} {change} {reason}."
    evidence = _pick(_EVIDENCE, draw[2]).format(
        horizon=_pick(_HORIZONS, draw[3]), decile=_pick(_DECILES, draw[4]), percent=1 + int(draw[5] * 40)
    )
    return f"{claim} {evidence}"


def _pick(words: Sequence[str], chance: float) -> str:
    return words[int(chance * len(words))]


def _some(rng: np.random.Generator, words: Sequence[str], most: int) -> list[str]:
    """One to `most` different ones."""
    return [words[place] for place in rng.permutation(len(words))[: rng.integers(1, most + 1)].tolist()]


_TOPIC_WEIGHTS = zipf_weights(len(_TOPICS), 1.0)

"""A whole proof of the dashboard itself, with its smallest sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from pack2.config import load_config
from pack2.proof import PROFILES, Proof, prove
from pack2.services import Services

pytestmark = [pytest.mark.deep, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def proof(running_services: Services, tmp_path_factory: pytest.TempPathFactory) -> Proof:
    """One proof of size tiny for all tests of this module."""
    out = tmp_path_factory.mktemp("proof")
    config = load_config(Path("pack2.toml"))
    return prove(config, running_services, size="tiny", profile=PROFILES["mini"], out=out, with_pages=False)


def test_both_variants_answer_alike(proof: Proof) -> None:
    """Three GETs of every route, pages too, untuned, tuned and tuned again: no body differs."""
    assert proof.environment["answers_compared"] > 100
    assert [reason for reason in proof.invalid_reasons if "differently" in reason] == []


def test_no_request_of_the_mix_fails(proof: Proof) -> None:
    """Reads, pages, trades and ingestion: fewer than one request in a hundred is refused."""
    assert max(one.error_ratio for one in proof.slices if one.phase in ("latency", "writes", "load")) < 0.01


def test_the_cache_answers_without_the_database(proof: Proof) -> None:
    """Every route of the mix that was asked again while fresh needed no statement."""
    assert {row.name: row.hit_queries for row in proof.routes if row.hit_queries} == {}


def test_the_candles_are_read_from_rollups(proof: Proof) -> None:
    """Tuned, a candle query touches a fraction of the buffers."""
    rows = {row.name: row for row in proof.queries}
    for name in ("candles_5m", "candles_1h", "candles_1d"):
        assert rows[name].after_buffers < rows[name].before_buffers / 5, name

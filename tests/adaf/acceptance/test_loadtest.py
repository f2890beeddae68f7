"""A load test of the dashboard itself, on a copy of its own data."""

from __future__ import annotations

from pathlib import Path

import pytest

from pack2.config import load_config
from pack2.loadtest.result import LoadResult
from pack2.loadtest.run import loadtest
from pack2.regression.baseline import of_result
from pack2.regression.check import judge
from pack2.services import Services

pytestmark = [pytest.mark.deep, pytest.mark.timeout(900)]
MACHINE = ("generator used", "were dropped", "other processes", "is asked")


def measured(services: Services, kind: str, out: Path, rate: float, seconds: float) -> LoadResult:
    config = load_config(Path("pack2.toml"))
    return loadtest(config, kind, size="small", rate=rate, seconds=seconds, out=out, opened=services)


def test_the_whole_journey_is_loaded_without_an_error(running_services: Services, tmp_path: Path) -> None:
    """The guide's journey at its rate: every threshold has samples, nearly nothing fails."""
    result = measured(running_services, "load", tmp_path, 120, 60)
    assert [reason for reason in result.invalid_reasons if not any(word in reason for word in MACHINE)] == []
    errors = next(row for row in result.thresholds if row.name == "errors")
    assert errors.is_met
    steps = {row.kind: row for row in result.routes}
    assert "calculation" in steps
    if "POST /api/reports" in result.environment["offers"]:
        assert steps["report"].error_percent == 0
    if "GET /api/live" in result.environment["offers"]:
        assert steps["live"].error_percent == 0


def test_counts_are_the_same_the_second_time(running_services: Services, tmp_path: Path) -> None:
    """Queries and Redis commands of every route, twice on fresh copies: not one differs."""
    first = measured(running_services, "baseline", tmp_path / "first", 40, 15)
    second = measured(running_services, "baseline", tmp_path / "second", 40, 15)
    assert len(first.counts) > 30
    found = judge(of_result(first), second)
    assert [change for change in found.counts if change.outcome != "slightly"] == []

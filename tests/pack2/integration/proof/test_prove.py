"""A whole proof of the smallest application: two databases, two servers, k6, verdict, report."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import psutil
import psycopg
import pytest

from pack2.config import Config, load_config
from pack2.proof import Profile, Proof, prove, read_proof
from pack2.proof.databases import names
from pack2.services import Services

CONFIG = Path("tests/pack2/examples/notes/pack2.toml")
BRIEF = Profile(
    name="brief",
    accounts=5,
    pairs=2,
    slice_seconds=2,
    warm_up_seconds=1,
    bracket_ratio=1.5,
    step_seconds=1,
    confirm_seconds=1,
    load_warm_up_seconds=2,
    load_seconds=3,
    replays=220,
    replay_seconds=10,
    page_loads=1,
    extra_slices=0,
)
pytestmark = pytest.mark.alone
REASONS_OF_THE_MACHINE = ("contested", "generator used", "are needed", "were dropped", "no sample of")


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(CONFIG)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proof")


@pytest.fixture(scope="module")
def proof(running_services: Services, config: Config, out: Path) -> Proof:
    """One proof for all tests of this module; without pages, which have a test of their own."""
    return prove(config, running_services, size="mini", profile=BRIEF, out=out, with_pages=False, quiet=True)


def test_every_metric_of_a_proof_is_there(proof: Proof) -> None:
    """Names, both figures, an interval around the change, samples."""
    assert set(proof.metrics) == {
        "api_p50_ms",
        "api_p95_ms",
        "db_query_p95_ms",
        "cache_hit_percent",
        "capacity_rps",
        "write_p95_ms",
    }
    for name, metric in proof.metrics.items():
        low, high = metric.ci95_percent
        assert metric.after > 0, name
        assert low is not None, name
        assert high is None or low <= high, name
        assert metric.samples > 0, name


def test_only_the_machine_may_make_it_invalid(proof: Proof) -> None:
    """Whatever else runs here, the application itself gives no reason: equal answers, no errors, no death."""
    assert [
        reason
        for reason in proof.invalid_reasons
        if not any(expected in reason for expected in REASONS_OF_THE_MACHINE)
    ] == []
    assert proof.exit_code == {"pass": 0, "fail": 1, "invalid": 2}[proof.verdict]


def test_counters_show_the_index_exactly(proof: Proof) -> None:
    """The query by owner read the whole table and reads a few pages now; no clock is asked."""
    rows = {row.name: row for row in proof.queries}
    assert rows["notes_of_owner"].before_buffers > 50 * rows["notes_of_owner"].after_buffers
    assert rows["note"].before_buffers == rows["note"].after_buffers


def test_counters_show_the_cache_exactly(proof: Proof) -> None:
    """One statement untuned, one on a miss, none on a hit."""
    rows = {row.name: row for row in proof.routes}
    notes = rows["GET /api/notes"]
    assert (notes.before_queries, notes.miss_queries, notes.hit_queries) == (1, 1, 0)


def test_hits_are_counted_on_routes_with_a_policy(proof: Proof) -> None:
    """Five accounts at 200/s and more, two seconds of life: nearly everything is a hit."""
    assert proof.metrics["cache_hit_percent"].after > 80
    assert proof.tuned_load is not None
    assert proof.tuned_load.rate >= 200
    assert 8 < proof.tuned_load.write_share_percent < 12


def test_latency_keeps_below_sixty_per_cent_of_the_untuned_capacity(proof: Proof) -> None:
    """The stated rate is the one that was used."""
    rate = proof.environment["latency_rate_per_second"]
    assert rate <= 0.6 * proof.metrics["capacity_rps"].before + 0.1
    assert all(one.rate == pytest.approx(rate, abs=0.1) for one in proof.slices if one.phase == "latency")


def test_the_report_is_written(proof: Proof, out: Path) -> None:
    """proof.json is the proof, proof.md shows it, and every picture that it names is there."""
    assert read_proof(out / "proof.json") == msgspec.json.decode(msgspec.json.encode(proof), type=Proof)
    report = (out / "proof.md").read_text()
    for picture in ("latency.png", "capacity.png", "routes.png", "timeline.png"):
        assert f"({picture})" in report
        assert (out / picture).stat().st_size > 5_000


def test_nothing_secret_is_written(proof: Proof, out: Path, running_services: Services) -> None:
    """No token, address or password of an account reaches a file."""
    written = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    for secret in ("token-1", "test.invalid", running_services.state.secret("notes_accounts")):
        assert secret.encode() not in written


def test_nothing_is_left_behind(proof: Proof, running_services: Services) -> None:
    """Copies dropped, servers ended, this process back on all its cores; the untuned data is kept."""
    which = names(running_services.postgres.database, "mini")
    assert not running_services.postgres.exists(which.before)
    assert not running_services.postgres.exists(which.after)
    assert running_services.postgres.exists(which.untuned)
    ours = [child.cmdline() for child in psutil.Process().children(recursive=True)]
    assert not [command for command in ours if "uvicorn" in command or "k6" in " ".join(command[:1])]
    if hasattr(os, "sched_getaffinity"):
        assert len(os.sched_getaffinity(0)) == len(
            psutil.Process(running_services.postgres.pid).cpu_affinity()
        )


def test_the_untuned_data_has_no_index_of_ours(proof: Proof, running_services: Services) -> None:
    """What is measured as before is what the application's own loader made."""
    which = names(running_services.postgres.database, "mini")
    with psycopg.connect(running_services.postgres.url(which.untuned)) as connection:
        rows = connection.execute("SELECT indexname FROM pg_indexes WHERE tablename = 'notes'").fetchall()
    assert rows == [("notes_pkey",)]

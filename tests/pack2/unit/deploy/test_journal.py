"""The journal knows during which step a run was killed."""

from __future__ import annotations

from pathlib import Path

from pack2.deploy.journal import Journal, StepRecord


def test_a_run_that_ended_was_not_stopped(tmp_path: Path) -> None:
    """After `end` nothing is to be gone on with."""
    journal = Journal(tmp_path / "deploy.json")
    journal.begin()
    journal.enter("indexes")
    journal.record(StepRecord("indexes", "done", "3 indexes", 0.1))
    journal.end()
    assert Journal(tmp_path / "deploy.json").stopped_during == ""


def test_a_killed_run_names_its_step(tmp_path: Path) -> None:
    """What was entered last and never ended is where the kill came."""
    journal = Journal(tmp_path / "deploy.json")
    journal.begin()
    journal.enter("validate environment")
    journal.enter("indexes")
    assert Journal(tmp_path / "deploy.json").stopped_during == "indexes"


def test_a_damaged_journal_stops_nobody(tmp_path: Path) -> None:
    """Every step looks for itself, so a journal that can not be read is begun anew."""
    path = tmp_path / "deploy.json"
    for content in (b"", b"{", b"[1]", b"\xff\x00"):
        path.write_bytes(content)
        journal = Journal(path)
        assert journal.stopped_during == ""
        journal.begin()
        assert Journal(path).stopped_during == ""


def test_only_the_last_runs_are_kept(tmp_path: Path) -> None:
    """A nightly deployment does not fill the disk."""
    path = tmp_path / "deploy.json"
    for _ in range(50):
        journal = Journal(path)
        journal.begin()
        journal.end()
    assert path.stat().st_size < 5000

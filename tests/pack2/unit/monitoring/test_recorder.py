"""Cells count exactly, series stay few, and what is exported never goes backward."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from pack2.monitoring import Family, Recorder
from pack2.monitoring import recorder as module
from pack2.monitoring.families import PROCESS, SERVERS, by_name

LABELS = {
    "route",
    "method",
    "status",
    "outcome",
    "from",
    "query",
    "mode",
    "kind",
    "generation",
    "state",
    "source",
}
SERVER_LABELS = {"server", "state", "from", "end", "status", "result"}


def samples(registry: CollectorRegistry) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for metric in registry.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


@given(values=st.lists(st.floats(0, 20) | st.sampled_from((0.005, 0.1, 10.0)), max_size=30))
@settings(max_examples=30)
def test_a_flushed_histogram_is_what_single_observations_give(values: list[float]) -> None:
    """Handing a batch over knows prometheus-client's inside; the two must agree, edges included."""
    family = PROCESS["pack2_http_request_duration_seconds"]
    recorder, registry = Recorder(), CollectorRegistry()
    plain = Histogram(family.name, family.text, family.labels, buckets=family.buckets, registry=registry)
    for number, value in enumerate(values):
        recorder.observe(family.name, value, ("/",))
        plain.labels("/").observe(value)
        if number % 7 == 0:
            recorder.flush()
    recorder.flush()
    ours, theirs = samples(recorder.registry), samples(registry)
    assert {key: value for key, value in ours.items() if "_sum" not in key[0]} == {
        key: value for key, value in theirs.items() if "_sum" not in key[0]
    }
    assert sum(ours.values()) == pytest.approx(sum(theirs.values()))


def test_a_total_counts_what_it_grew_by() -> None:
    """A source whose total falls, because it began anew, takes nothing back."""
    recorder = Recorder()
    for total in (5, 7, 0, 2):
        recorder.total("pack2_cache_evictions_total", total)
        recorder.flush()
    assert samples(recorder.registry)["pack2_cache_evictions_total", ()] == 9


def test_a_known_series_is_there_before_its_first_event() -> None:
    """Asking for the cell is enough: rates then start from 0."""
    recorder = Recorder()
    recorder.count("pack2_http_exceptions_total")
    recorder.flush()
    assert samples(recorder.registry)["pack2_http_exceptions_total", ()] == 0


def test_a_family_has_a_limited_number_of_series(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an application does wrong with labels, memory and scrapes stay bounded, and sums right."""
    monkeypatch.setattr(module, "MOST_SERIES", 3)
    recorder = Recorder()
    for number in range(10):
        recorder.add("pack2_database_queries_total", (f"query_{number}",))
    recorder.flush()
    found = samples(recorder.registry)
    assert len(found) == 4
    assert found["pack2_database_queries_total", (("query", "other"),)] == 7


@pytest.mark.parametrize(("name", "labels"), [("no_such_total", ()), ("pack2_http_exceptions_total", ("x",))])
def test_only_declared_names_and_labels_are_counted(name: str, labels: tuple[str, ...]) -> None:
    """The allow-list is the declaration: anything else is a mistake that is told."""
    with pytest.raises(KeyError):
        Recorder().add(name, labels)


def test_labels_are_those_of_the_allow_list() -> None:
    """A new label is a decision: it must be a closed set, and come into these lists."""
    assert {label for family in PROCESS.values() for label in family.labels} == LABELS
    assert {label for family in SERVERS.values() for label in family.labels} == SERVER_LABELS
    assert len(PROCESS) + len(SERVERS) >= 50


def test_an_application_declares_its_own() -> None:
    """Its families stand beside Pack 2's."""
    recorder = Recorder(by_name(Family("shop_orders_total", "counter", "Orders.", ("kind",))))
    recorder.add("shop_orders_total", ("gift",))
    recorder.flush()
    assert samples(recorder.registry)["shop_orders_total", (("kind", "gift"),)] == 1

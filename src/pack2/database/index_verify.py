"""Does an index pay? Measured on a copy, with and without it; what does not pay is named with its figures.

An index pays when it saves ≥ 20 % of the buffers of a query that it serves and the 95 % interval of the
time saved excludes zero, measured alone or leave-one-out (overlapping indexes look useless
leave-one-out), and some plan chooses it when all are there (else it is redundant). No query may become
more than 1.2× slower because of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from pathlib import Path

import msgspec
import numpy as np

from pack2.database import rollups
from pack2.database.connection import Connection, Progress, connect, silent
from pack2.database.copy import copy_of
from pack2.database.errors import IndexFileError
from pack2.database.index_catalog import roots
from pack2.database.index_file import IndexDefinition, load_indexes
from pack2.database.index_measure import Measurement, hidden, measure
from pack2.database.indexes import AppliedIndex, apply_definitions
from pack2.database.queries import NamedQuery
from pack2.database.workload import SampledQuery, sample

LEAST_BUFFERS_SAVED_RATIO = 0.20
MOST_SLOWER_RATIO = 1.2
# Below this a difference is the clock's and the planner's, and no user's.
LEAST_SLOWER_MILLISECONDS = 0.1


class Saving(msgspec.Struct, frozen=True):
    """What an index saves on one query, over all its parameter rows. Times in milliseconds an execution."""

    query: str
    how: str
    buffers_without: int
    buffers_with: int
    milliseconds_without: float
    milliseconds_with: float
    saved_low_milliseconds: float
    saved_high_milliseconds: float

    @property
    def buffers_saved_ratio(self) -> float:
        """Share of the blocks that are not touched any more; negative when more are."""
        saved = self.buffers_without - self.buffers_with  # subtracted first: 1 - 80 / 100 is less than 0.2
        return saved / self.buffers_without if self.buffers_without else 0.0

    @property
    def pays(self) -> bool:
        """By the definition at the top."""
        return self.buffers_saved_ratio >= LEAST_BUFFERS_SAVED_RATIO and self.saved_low_milliseconds > 0


class IndexVerdict(msgspec.Struct, frozen=True):
    """One index: whether it pays, on what best, and if not, why not."""

    name: str
    table: str
    size_bytes: int
    pays: bool
    reason: str
    best: Saving | None
    savings: tuple[Saving, ...]


class QueryVerdict(msgspec.Struct, frozen=True):
    """One query of the workload with no and with all indexes. Least times in milliseconds an execution."""

    name: str
    milliseconds_without: float
    milliseconds_with: float
    buffers_without: int
    buffers_with: int
    indexes: tuple[str, ...]
    is_slower: bool


class Verification(msgspec.Struct, frozen=True):
    """Every index and every query that was measured."""

    indexes: tuple[IndexVerdict, ...]
    queries: tuple[QueryVerdict, ...]

    @property
    def rejected(self) -> tuple[IndexVerdict, ...]:
        """The indexes that do not pay."""
        return tuple(verdict for verdict in self.indexes if not verdict.pays)


def verify(
    url: str,
    path: Path,
    queries: Mapping[str, NamedQuery],
    *,
    views: Iterable[str] = (),
    budget_seconds: float = 3.0,
    on_progress: Progress = silent,
) -> Verification:
    """Measure every index of `path` on a copy of the database at `url`, where `views` are rollups.

    `budget_seconds` is spent on each query beyond the three rounds that each gets.
    """
    definitions = load_indexes(path)
    _check_names(path, definitions, queries)
    on_progress("copying the database", 0.0)
    with copy_of(url) as copy:
        rollups.apply(copy, views)
        on_progress("building the indexes", 0.02)
        built = apply_definitions(copy, definitions)
        with connect(copy) as connection:
            connection.execute("VACUUM (ANALYZE)")
            judge = _Judge(connection, definitions, built, budget_seconds)
            workload = sample(connection, queries.values())
            for number, sampled in enumerate(workload):
                on_progress(sampled.query.name, 0.1 + 0.9 * number / len(workload))
                judge.measure(sampled)
    return judge.verdict()


def _check_names(
    path: Path, definitions: Sequence[IndexDefinition], queries: Mapping[str, NamedQuery]
) -> None:
    for definition in definitions:
        for name in definition.serves:
            if name not in queries:
                reason = f"{definition.name} serves {name}, and no query has that name"
                raise IndexFileError(path=path, line=definition.first_line, reason=reason)
            if queries[name].sample_sql is None:
                reason = f"{definition.name} serves {name}, which has no `-- sample:` to measure with"
                raise IndexFileError(path=path, line=definition.first_line, reason=reason)


class _Judge:
    """Collects what each query shows and gives the verdict."""

    def __init__(
        self,
        connection: Connection,
        definitions: Sequence[IndexDefinition],
        built: Sequence[AppliedIndex],
        budget_seconds: float,
    ) -> None:
        self.connection = connection
        self.definitions = definitions
        self.sizes = {index.name: index.size_bytes for index in built}
        self.schemas = _schemas(connection, [index.name for index in built])
        self.roots = roots(connection)
        self.budget_seconds = budget_seconds
        self.savings: dict[str, list[Saving]] = {definition.name: [] for definition in definitions}
        self.used: set[str] = set()
        self.slowing: dict[str, str] = {}
        self.queries: list[QueryVerdict] = []

    def measure(self, sampled: SampledQuery) -> None:
        """All variants of one query: no index, all, and for each that serves it alone and left out."""
        name = sampled.query.name
        everything = [definition.name for definition in self.definitions]
        serving = [definition.name for definition in self.definitions if name in definition.serves]
        variants = {"none": hidden(self.schemas, everything), "all": hidden(self.schemas, ())}
        for index in serving:
            variants[f"only {index}"] = hidden(
                self.schemas, [other for other in everything if other != index]
            )
            if len(serving) > 1:
                variants[f"not {index}"] = hidden(self.schemas, [index])
        measured = measure(self.connection, sampled, variants, budget_seconds=self.budget_seconds)
        count = len(sampled.arguments)
        for index in serving:
            self.savings[index].append(
                saving(name, "alone", measured["none"], measured[f"only {index}"], count)
            )
            if len(serving) > 1:
                left_out = saving(name, "leave one out", measured[f"not {index}"], measured["all"], count)
                self.savings[index].append(left_out)
        self._judge_query(sampled, measured["none"], measured["all"])

    def _judge_query(self, sampled: SampledQuery, none: Measurement, everything: Measurement) -> None:
        count = len(sampled.arguments)
        ours = {self.roots.get(name, name) for name in everything.indexes} & frozenset(self.savings)
        self.used |= ours
        slower = is_slower(none, everything, count)
        if slower:
            again = measure(
                self.connection,
                sampled,
                {"none": hidden(self.schemas, self.savings), "all": hidden(self.schemas, ())},
                least_rounds=8,
            )
            slower = is_slower(again["none"], again["all"], count)
        if slower:
            self._find_culprit(sampled, ours)
        self.queries.append(
            QueryVerdict(
                name=sampled.query.name,
                milliseconds_without=none.least_milliseconds / count,
                milliseconds_with=everything.least_milliseconds / count,
                buffers_without=none.buffers,
                buffers_with=everything.buffers,
                indexes=tuple(sorted(ours)),
                is_slower=slower,
            )
        )

    def _find_culprit(self, sampled: SampledQuery, used: Set[str]) -> None:
        """The index without which the slowed query is fastest."""
        if not used:
            return
        variants = {index: hidden(self.schemas, [index]) for index in sorted(used)}
        measured = measure(self.connection, sampled, variants, least_rounds=5)
        culprit = min(measured, key=lambda index: measured[index].least_milliseconds)
        self.slowing[culprit] = sampled.query.name

    def verdict(self) -> Verification:
        """What was found."""
        return Verification(
            indexes=tuple(self._verdict(definition) for definition in self.definitions),
            queries=tuple(self.queries),
        )

    def _verdict(self, definition: IndexDefinition) -> IndexVerdict:
        name = definition.name
        savings = tuple(self.savings[name])
        best = best_of(savings)
        if name in self.slowing:
            reason = f"makes {self.slowing[name]} more than {MOST_SLOWER_RATIO}× slower"
        elif name not in self.used:
            reason = "redundant: no plan chooses it when the others are there"
        elif best is None or not best.pays:
            reason = "saves too little on every query that it serves"
        else:
            reason = ""
        return IndexVerdict(name, definition.table, self.sizes[name], not reason, reason, best, savings)


def best_of(savings: Iterable[Saving]) -> Saving | None:
    """One that pays where there is any, and of those the one that surely saves the most time."""
    return max(savings, key=lambda one: (one.pays, one.saved_low_milliseconds), default=None)


def is_slower(none: Measurement, everything: Measurement, count: int) -> bool:
    """Whether the indexes slow a query, by the least times of `count` executions."""
    slower = everything.least_milliseconds - none.least_milliseconds
    return (
        everything.least_milliseconds > MOST_SLOWER_RATIO * none.least_milliseconds
        and slower / count > LEAST_SLOWER_MILLISECONDS
    )


def saving(query: str, how: str, without: Measurement, with_index: Measurement, count: int) -> Saving:
    """What `with_index` saves against `without`, paired by round and parameter row; `count` rows a round."""
    pairs = zip(without.milliseconds, with_index.milliseconds, strict=True)
    low, high = interval([before - after for before, after in pairs])
    return Saving(
        query=query,
        how=how,
        buffers_without=without.buffers,
        buffers_with=with_index.buffers,
        milliseconds_without=without.least_milliseconds / count,
        milliseconds_with=with_index.least_milliseconds / count,
        saved_low_milliseconds=low,
        saved_high_milliseconds=high,
    )


def interval(differences: Sequence[float], *, seed: int = 7) -> tuple[float, float]:
    """95 % percentile-bootstrap interval of the median (Efron & Tibshirani 1993, chapter 13)."""
    values = np.asarray(differences, dtype=float)
    draws = np.random.default_rng(seed).choice(values, size=(2000, len(values)))
    low, high = np.percentile(np.median(draws, axis=1), [2.5, 97.5])
    return float(low), float(high)


def _schemas(connection: Connection, names: Sequence[str]) -> dict[str, str]:
    rows = connection.execute(
        "SELECT i.relname, n.nspname FROM pg_class i JOIN pg_namespace n ON n.oid = i.relnamespace"
        " WHERE i.relkind IN ('i', 'I') AND i.relname = ANY (%s)",
        (list(names),),
    ).fetchall()
    return dict(rows)

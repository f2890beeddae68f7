"""What every measurement stands on: two servers, their databases, the script, and the journey's
parameters."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from pack2.loadtest import INGEST_SECONDS, K6Run, Scenario, run_k6
from pack2.proof.model import SliceHealth, Variant
from pack2.proof.plan import WARM_UP_OFFSET, Tape
from pack2.proof.processors import Watch
from pack2.proof.servers import Server

Told = Callable[[str, float], None]
"""Told (what is being done, seconds of the plan that are done with it)."""


@dataclass
class Stage:
    """Both variants, ready to be measured; remembers which parts of the sequence and which batches were
    used."""

    servers: Mapping[Variant, Server]
    script: Path
    environment: dict[str, str]
    watch: Watch
    tell: Told
    tape: Tape = field(default_factory=Tape)
    warm_up_tape: Tape = field(default_factory=lambda: Tape(WARM_UP_OFFSET))
    health: list[SliceHealth] = field(default_factory=list)
    died: list[str] = field(default_factory=list)
    empty_thresholds: set[str] = field(default_factory=set)
    _batches: dict[Variant, int] = field(default_factory=lambda: {"before": 0, "after": 0})
    _loaded_seconds: dict[Variant, float] = field(default_factory=lambda: {"before": 0.0, "after": 0.0})

    def align(self, first_batch_after: float) -> None:
        """From here on both variants get their batches at the same moments of their load."""
        loaded = INGEST_SECONDS - first_batch_after
        self._loaded_seconds = {"before": loaded, "after": loaded}

    def run(
        self,
        variant: Variant,
        phase: str,
        label: str,
        rate: float,
        seconds: float,
        offset: int,
        **options: Any,
    ) -> tuple[K6Run, SliceHealth]:
        """One slice of load on `variant`; its health is remembered."""
        server = self.servers[variant]
        after = -self._loaded_seconds[variant] % INGEST_SECONDS
        scenario = Scenario(phase, rate, seconds, offset, self._batches[variant], after, **options)
        self._batches[variant] += max(0, math.ceil((seconds - after) / INGEST_SECONDS))
        self._loaded_seconds[variant] += seconds
        self.watch.start()
        run = run_k6(self.script, server.base_url, scenario, self.environment)
        health = _health(run, self.watch.others_ratio(), label, phase, variant, rate, seconds)
        self.health.append(health)
        self.empty_thresholds.update(run.empty_thresholds)
        if not server.alive:
            self.died.append(f"the {variant} server")
        self.tell(label, seconds)
        return run, health

    def warm_up(self, variant: Variant, rate: float, seconds: float) -> None:
        """Send a part of the sequence that is never measured."""
        offset = self.warm_up_tape.take(rate, seconds)
        self.run(variant, "warmup", f"warm-up {variant} at {rate:.0f}/s", rate, seconds, offset)

    def discard(self, health: SliceHealth) -> None:
        """Mark a slice as not used."""
        index = self.health.index(health)
        self.health[index] = msgspec.structs.replace(health, discarded=True)


def _health(
    run: K6Run, others: float, label: str, phase: str, variant: Variant, rate: float, seconds: float
) -> SliceHealth:
    requests = len(run.records)
    return SliceHealth(
        label=label,
        phase=phase,
        variant=variant,
        rate=rate,
        seconds=seconds,
        requests=requests,
        dropped_ratio=run.dropped_ratio,
        error_ratio=float(run.records.failed.mean()) if requests else 1.0,
        generator_cpu_ratio=run.cpu_ratio,
        others_cpu_ratio=others,
        started_ms=run.started_ms,
    )


def discover(script: Path, base_url: str, environment: dict[str, str]) -> dict[str, Any]:
    """Let the script find its parameters through the API; they are written to PARAMETERS_FILE for every
    later run."""
    run_k6(script, base_url, Scenario("discover", 1, 1), environment)
    found: dict[str, Any] = json.loads(Path(environment["PARAMETERS_FILE"]).read_text())
    return found

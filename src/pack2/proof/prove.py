"""The proof from beginning to end: prepare both variants, measure in the order that keeps them alike, judge.

Order: equal answers; untuned capacity; latency at a share of it, alternating; writes; the database alone;
pages; then
what loads the tuned variant hardest. Until then both databases have received nearly the same few writes.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pack2.config import Accounts, Application, Config
from pack2.database.queries import find_queries
from pack2.proof import (
    capacity,
    databases,
    environment,
    equality,
    hit_ratio,
    latency,
    pages,
    redis_space,
    replay,
    targets,
)
from pack2.proof.accounts import Door, admitted, password, write_tokens
from pack2.proof.errors import NothingToProveError
from pack2.proof.model import Metric, Proof, TunedLoad, Variant
from pack2.proof.plan import LATENCY_SHARE, PROFILES, Profile
from pack2.proof.processors import Split, Watch, bound, split, usable_cores
from pack2.proof.progress import Progress
from pack2.proof.report import write_report
from pack2.proof.servers import running
from pack2.proof.stage import Stage, discover
from pack2.proof.statistics import minimum_samples
from pack2.proof.verdict import Evidence, judge
from pack2.services import Services
from pack2.services.chromium import find_headless_shell


def prove(
    config: Config,
    services: Services,
    *,
    size: str = "small",
    profile: Profile | None = None,
    seed: int = 7,
    untuned: str | None = None,
    out: Path = Path("build/proof"),
    with_pages: bool = True,
    reload: bool = False,
    quiet: bool = False,
) -> Proof:
    """Measure the application before and after, write `proof.md`, `proof.json` and plots to `out`, return
    the proof.

    `untuned` names the untuned database, `<application>_<size>_untuned` unless told otherwise; it is loaded
    when it is missing, incomplete or of another seed. Raises Pack2Error when nothing could be measured.
    """
    application = _application(config)
    if with_pages and application.pages:
        find_headless_shell()  # said now, not after minutes of measuring
    chosen = profile or PROFILES.get(size, PROFILES["medium"])
    runner = _Runner(config, application, services, size, chosen, seed, out)
    with (
        Progress(chosen, pages=len(application.pages) if with_pages else 0, quiet=quiet) as progress,
    ):
        proof = runner.run(progress, untuned, with_pages=with_pages, reload=reload)
    write_report(proof, runner.latencies, out)
    return proof


def _application(config: Config) -> Application:
    application = config.application
    if application is None or not (application.load and application.load_test and application.accounts):
        raise NothingToProveError(path="pack2.toml")
    return application


class _Runner:
    """Holds what the steps share; each step is one method."""

    def __init__(
        self,
        config: Config,
        application: Application,
        services: Services,
        size: str,
        profile: Profile,
        seed: int,
        out: Path,
    ) -> None:
        self.config = config
        self.application = application
        self.services = services
        self.size = size
        self.profile = profile
        self.seed = seed
        self.out = out
        self.split: Split = split(usable_cores())
        self.metrics: dict[str, Metric] = {}
        self.latencies: latency.Latencies | None = None
        self.limit_ms = capacity.P95_MS

    @property
    def accounts(self) -> Accounts:
        assert self.application.accounts is not None
        return self.application.accounts

    def run(self, progress: Progress, untuned: str | None, *, with_pages: bool, reload: bool) -> Proof:
        postgres = self.services.postgres
        names = databases.names(postgres.database, self.size, untuned)
        machine = environment.machine(self.split)
        progress.step(f"loading the untuned data, size {self.size}")
        loaded = databases.ensure_untuned(
            postgres, self.application, names.untuned, size=self.size, seed=self.seed,
            environment=self._variables(), reload=reload,
        )  # fmt: skip
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pack2-proof-")))
            progress.step("signing the test accounts in")
            door = self._sign_in(names.untuned, folder)
            progress.step("copying the database twice and tuning one copy")
            stack.callback(databases.drop_copies, postgres, names)
            databases.make_copies(postgres, self.config, names)
            stage = self._stage(stack, names, folder, progress)
            facts = {
                "size": self.size,
                "seed": self.seed,
                "profile": self.profile.name,
                "data_loaded_now": loaded,
            }
            return self._measure(stage, door, machine | facts, progress, with_pages=with_pages)

    def _variables(self) -> dict[str, str]:
        """Environment of the load command and the servers: the test accounts' password and the state
        folder's Redis."""
        variables = {"REDIS_URL": redis_space.url(self.services.redis)}
        if self.accounts.password_variable:
            variables[self.accounts.password_variable] = password(self.accounts, self.services.state)
        return variables

    def _sign_in(self, untuned: str, folder: Path) -> Door:
        url = self.services.postgres.url(untuned)
        log = self.out / "logs" / "sign-in.log"
        with running(
            self.application,
            "before",
            database_url=url,
            variables=self._variables(),
            cores=frozenset(),
            log=log,
        ) as server:
            state = self.services.state
            kept = state.folder / f"proof-{untuned}.json"
            door = admitted(server.base_url, self.accounts, self.profile.accounts, state, kept)
        write_tokens(door, folder / "tokens.json")
        return door

    def _stage(self, stack: ExitStack, names: databases.Names, folder: Path, progress: Progress) -> Stage:
        """Both servers started, everything on its core, the journey's parameters found."""
        postgres, state = self.services.postgres, self.services
        redis_space.empty(self.services.redis)
        if self.split.servers:
            state.pin(self.split.servers)
            stack.callback(state.pin, frozenset(usable_cores()))
            stack.enter_context(bound(self.split.generator))
        urls: dict[Variant, str] = {"before": postgres.url(names.before), "after": postgres.url(names.after)}
        servers = {
            variant: stack.enter_context(
                running(
                    self.application,
                    variant,
                    database_url=url,
                    variables=self._variables(),
                    cores=self.split.servers,
                    log=self.out / "logs" / f"{variant}.log",
                )
            )
            for variant, url in urls.items()
        }
        roots = [server.pid for server in servers.values()]
        roots += [pid for pid in (postgres.pid, self.services.redis.pid) if pid is not None]
        variables = {
            "TOKENS_FILE": str(folder / "tokens.json"),
            "PARAMETERS_FILE": str(folder / "parameters.json"),
            "SEED": str(self.seed),
        }
        script = Path(self.application.load_test).resolve()
        progress.step("finding what the accounts can ask for")
        self.parameters = discover(script, servers["before"].base_url, variables)
        watch = Watch(self.split.servers | self.split.generator, roots)
        return Stage(servers, script, variables, watch, progress.told)

    def _measure(
        self, stage: Stage, door: Door, machine: dict[str, Any], progress: Progress, *, with_pages: bool
    ) -> Proof:
        profile, seed = self.profile, self.seed
        progress.step("comparing the answers of both variants")
        comparison = equality.compare(stage.servers, self.parameters, self.accounts.cookie)
        urls = {variant: server.database_url for variant, server in stage.servers.items()}
        progress.step("untuned capacity")
        asyncio.run(replay.reset_calls(urls["before"]))
        self.limit_ms = capacity.limit(stage, profile)
        before, steps = capacity.measure(stage, profile, "before", self.limit_ms)
        rate = LATENCY_SHARE * before.held_rate
        progress.step(f"latency at {rate:.0f} requests/s")
        self.latencies = latency.measure(stage, profile, rate)
        calls = asyncio.run(replay.calls_by_name(urls["before"]))
        progress.step("writes")
        writes = latency.measure_writes(stage, profile)
        progress.step("the database alone")
        queries = find_queries(self.application.queries)
        replayed = asyncio.run(replay.replay(urls, queries, calls, profile, seed))
        loads = self._pages(stage, progress) if with_pages and self.application.pages else pages.PageLoads()
        progress.step("tuned capacity")
        after, more = capacity.measure(stage, profile, "after", self.limit_ms)
        progress.step("tuned load")
        tuned, hits = hit_ratio.measure(stage, profile, self.config, after.held_rate, targets.HIT_POINTS)
        self.metrics = {
            "api_p50_ms": latency.metric(self.latencies.change(50, "api"), None, judged=False),
            "api_p95_ms": latency.metric(self.latencies.change(95, "api"), targets.API_P95),
            "db_query_p95_ms": latency.metric(replayed.change, targets.DATABASE_P95),
            "cache_hit_percent": hits,
            **loads.metrics(self.application.pages, targets.PAGE_REPEAT),
            "capacity_rps": capacity.metric(before, after, targets.CAPACITY),
            "write_p95_ms": latency.metric(writes.change(95, "write"), None, judged=False),
        }
        evidence = self._evidence(stage, comparison, tuned, rate / before.held_rate, loads)
        judgement = judge(self.metrics, evidence)
        return Proof(
            verdict=judgement.verdict,
            invalid_reasons=judgement.invalid_reasons,
            fail_reasons=judgement.fail_reasons,
            environment=self._environment(stage, machine, door, rate, comparison),
            metrics=self.metrics,
            tuned_load=tuned,
            routes=latency.routes(self.latencies, comparison.statements),
            queries=replayed.rows,
            capacity_steps=(*steps, *more),
            pages=loads.rows(),
            slices=tuple(stage.health),
        )

    def _pages(self, stage: Stage, progress: Progress) -> pages.PageLoads:
        progress.step("page loads in Chromium")
        token = self.parameters["accounts"][0]["token"]
        return pages.measure(
            stage.servers,
            self.application.pages,
            self.accounts.cookie,
            token,
            self.profile.page_loads,
            stage.tell,
        )

    def _evidence(
        self,
        stage: Stage,
        comparison: equality.Comparison,
        tuned: TunedLoad,
        untuned_load_ratio: float,
        loads: pages.PageLoads,
    ) -> Evidence:
        assert self.latencies is not None
        return Evidence(
            slices=stage.health,
            minimum_samples={name: minimum_samples(q) for name, q in targets.MINIMUM_PERCENTILES.items()},
            empty_thresholds=sorted(stage.empty_thresholds),
            routes_without_samples=latency.without_samples(self.latencies, self.parameters["mix"]),
            servers_died=stage.died,
            different_answers=comparison.different,
            pages_not_painted=sorted(set(loads.failures)),
            missing_metrics=[name for name in targets.REQUIRED if name not in self.metrics],
            hit_rate_per_second=tuned.rate,
            write_share_percent=tuned.write_share_percent,
            untuned_load_ratio=untuned_load_ratio,
        )

    def _environment(
        self, stage: Stage, machine: dict[str, Any], door: Door, rate: float, comparison: equality.Comparison
    ) -> dict[str, Any]:
        before, after = (stage.servers[variant].database_url for variant in ("before", "after"))
        profile = self.profile
        return machine | {
            "postgresql": databases.settings(before),
            "redis": environment.redis_version(redis_space.url(self.services.redis)),
            "database_bytes": {"before": databases.size_bytes(before), "after": databases.size_bytes(after)},
            "accounts": len(door.accounts),
            "operator_ingestion": bool(self.parameters.get("operator")),
            "sign_in_ms": round(sorted(door.sign_in_ms)[len(door.sign_in_ms) // 2], 1),
            "latency_rate_per_second": round(rate, 1),
            "latency_seconds": profile.pairs * latency.slice_seconds(profile, rate),
            "capacity_p95_limit_ms": round(self.limit_ms),
            "answers_compared": comparison.compared,
            "cpu_by_others_ratio_worst": round(max(one.others_cpu_ratio for one in stage.health), 3),
            "page_network": f"{pages.NETWORK['downloadThroughput'] * 8 / 1e6:.0f} Mbit/s, 40 ms",
            "page_cpu_slowdown": pages.CPU_SLOWDOWN,
            "mix": self.parameters["mix"],
        }

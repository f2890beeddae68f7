"""The strategy routes: visibility, returns recomputed, and runs in the calculating process."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, get_args

import psutil
import pytest

from adaf.problem import Unavailable
from adaf.strategies import reads
from adaf.strategies.calculator import Calculator
from adaf.strategies.models import Kind

OF_ONE = ("", "/performance", "/runs")


async def _public(dashboard: Any, condition: str = "true") -> int:
    number: int = await dashboard.sql.fetchval(
        f"SELECT id FROM strategies WHERE is_public AND {condition} ORDER BY id LIMIT 1"
    )
    return number


async def _private(dashboard: Any) -> tuple[int, int, int]:
    """Owner and number of a private strategy, and a trader who is not the owner."""
    number, owner = await dashboard.sql.fetchrow(
        "SELECT id, owner_id FROM strategies WHERE NOT is_public ORDER BY id LIMIT 1"
    )
    other = await dashboard.sql.fetchval(
        "SELECT id FROM users WHERE id <> $1 AND role = 'trader' LIMIT 1", owner
    )
    return owner, number, other


@pytest.mark.parametrize("kind", [None, "momentum", "carry"])
@pytest.mark.parametrize("limit", [1, 4, 200])
async def test_pages_are_all_public_strategies(dashboard: Any, kind: str | None, limit: int) -> None:
    """The pages together are the public strategies of the kind, the most recently changed first."""
    await dashboard.sql.execute("UPDATE strategies SET updated_at = date_trunc('month', updated_at)")
    rows = await dashboard.sql.fetch(
        "SELECT id FROM strategies WHERE is_public AND ($1::text IS NULL OR kind = $1)"
        " ORDER BY updated_at DESC, id DESC",
        kind,
    )
    filters = {"kind": kind} if kind else {}
    items = await dashboard.every_item(1, "/api/strategies", limit, **filters)
    assert [item["id"] for item in items] == [row["id"] for row in rows]


async def test_private_strategies_are_their_owners(dashboard: Any, user: Any) -> None:
    """A private strategy is seen, compared and run by its owner alone; for others it is a 404."""
    owner, number, other = await _private(dashboard)
    for route in OF_ONE:
        await dashboard.get(owner, f"/api/strategies/{number}{route}")
        await dashboard.get(other, f"/api/strategies/{number}{route}", 404)
    public = await _public(dashboard)
    await dashboard.get(owner, "/api/strategies/compare", ids=f"{public},{number}")
    await dashboard.get(other, "/api/strategies/compare", 404, ids=f"{public},{number}")
    await dashboard.post(other, f"/api/strategies/{number}/runs", status=404)
    await dashboard.get(other, f"/api/strategies/{number}/runs/best", 404)
    own = (await dashboard.get(owner, "/api/strategies/own"))["items"]
    assert number in {item["id"] for item in own}
    assert all(item["is_own"] for item in own)


async def test_performance_recomputed(dashboard: Any) -> None:
    """Drawdown, rolling mean and rolling volatility follow from the daily returns and the equity."""
    number = await _public(dashboard)
    points = (await dashboard.get(1, f"/api/strategies/{number}/performance", days=60))["items"]
    returns = [point["daily_return"] for point in points]
    equity = [point["equity"] for point in points]
    assert len(points) > 50
    for n, point in enumerate(points):
        assert point["drawdown"] == pytest.approx(equity[n] / max(equity[: n + 1]) - 1)
        week, month = returns[max(0, n - 6) : n + 1], returns[max(0, n - 29) : n + 1]
        assert point["average_7d"] == pytest.approx(sum(week) / len(week))
        if n:
            mean = sum(month) / len(month)
            variance = sum((value - mean) ** 2 for value in month) / (len(month) - 1)
            assert point["volatility_30d"] == pytest.approx(math.sqrt(variance))


async def test_comparison_recomputed(dashboard: Any) -> None:
    """Each curve compounds the window's daily returns; they come in the order asked for, each once."""
    first, second = [
        row["id"]
        for row in await dashboard.sql.fetch("SELECT id FROM strategies WHERE is_public ORDER BY id LIMIT 2")
    ]
    curves = (await dashboard.get(1, "/api/strategies/compare", ids=f"{second},{first},{second}", days=30))[
        "items"
    ]
    assert [curve["strategy"]["id"] for curve in curves] == [second, first]
    for curve in curves:
        path = f"/api/strategies/{curve['strategy']['id']}/performance"
        points = (await dashboard.get(1, path, days=30))["items"]
        grown = 1.0
        for point, day, shown in zip(points, curve["days"], curve["cumulative_returns"], strict=True):
            grown *= 1 + point["daily_return"]
            assert (day, shown) == (point["day"], pytest.approx(grown - 1))


async def test_leaderboard_recomputed(dashboard: Any) -> None:
    """The leaderboard holds public strategies alone, by compounded return, highest first."""
    rows = await dashboard.sql.fetch(
        "SELECT strategy_id, daily_return FROM strategy_returns r JOIN strategies s ON s.id = r.strategy_id"
        " WHERE s.is_public AND day > (market_now() AT TIME ZONE 'UTC')::date - 30"
    )
    grown: dict[int, float] = {}
    for row in rows:
        grown[row["strategy_id"]] = grown.get(row["strategy_id"], 1.0) * (1 + row["daily_return"])
    best = sorted(grown, key=lambda number: -grown[number])[:5]
    shown = (await dashboard.get(1, "/api/strategies/leaderboard", days=30, limit=5))["items"]
    assert [item["id"] for item in shown] == best
    assert [item["total_return"] for item in shown] == pytest.approx([grown[number] - 1 for number in best])


async def test_runs_are_paged_and_the_best_is_found(dashboard: Any) -> None:
    """The pages together are all runs, newest first; the best is the one with the highest Sharpe ratio."""
    number = await dashboard.sql.fetchval(
        "SELECT strategy_id FROM strategy_runs r JOIN strategies s ON s.id = r.strategy_id WHERE is_public"
        " GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
    )
    rows = await dashboard.sql.fetch(
        "SELECT id FROM strategy_runs WHERE strategy_id = $1 ORDER BY started_at DESC, id DESC", number
    )
    runs = await dashboard.every_item(1, f"/api/strategies/{number}/runs", 3)
    assert [run["id"] for run in runs] == [row["id"] for row in rows]
    best = await dashboard.get(1, f"/api/strategies/{number}/runs/best")
    assert best["metrics"]["sharpe"] == max(
        run["metrics"]["sharpe"] for run in runs if run["status"] == "done"
    )


async def test_a_run_of_each_kind(dashboard: Any, user: Any) -> None:
    """A run answers 201 with its metrics, is recorded and audited, and gives the same metrics again."""
    trader = await user("trader")
    number = await _public(dashboard)
    path = f"/api/strategies/{number}/runs"
    made = []
    for kind in get_args(Kind):
        await dashboard.sql.execute(
            "UPDATE strategies SET kind = $2, timeframe = '5m' WHERE id = $1", number, kind
        )
        first, second = [await dashboard.post(trader, path) for _ in range(2)]
        assert first["status"] == "done"
        assert first["metrics"] == second["metrics"]
        assert first["metrics"]["bars"] > 800
        assert first["metrics"]["sharpe"] is not None
        made += [first, second]
    newest = made[::-1]
    assert (await dashboard.get(trader, path))["items"][: len(made)] == newest
    own = (await dashboard.get(trader, "/api/strategies/runs"))["items"]
    assert [run["id"] for run in own[: len(made)]] == [run["id"] for run in newest]
    audited = await dashboard.sql.fetchval(
        "SELECT count(*) FROM audit_log WHERE action = 'strategy.run' AND user_id = $1 AND subject = $2"
        " AND ts > now() - interval '1 hour'",
        trader,
        f"strategy:{number}",
    )
    assert audited == len(made)


async def test_a_run_without_enough_candles(dashboard: Any, user: Any) -> None:
    """Three days of daily candles fill no window: 422 with both figures, and a failed run on record."""
    trader = await user("trader")
    number = await _public(dashboard)
    await dashboard.sql.execute("UPDATE strategies SET timeframe = '1d' WHERE id = $1", number)
    problem = await dashboard.post(trader, f"/api/strategies/{number}/runs", status=422)
    run = (await dashboard.get(trader, f"/api/strategies/{number}/runs"))["items"][0]
    assert (run["status"], run["error"]) == ("failed", problem["detail"])


async def test_viewers_do_not_run(dashboard: Any, user: Any) -> None:
    """Running a strategy is for traders."""
    await dashboard.post(await user("viewer"), f"/api/strategies/{await _public(dashboard)}/runs", status=403)


async def test_candles_end_at_the_markets_time(dashboard: Any) -> None:
    """A run's candles are those of its window up to the market's time, oldest first."""
    now = await dashboard.sql.fetchval("SELECT market_now()")
    candles = await reads.candles(dashboard.db, 1, "1h", 2)
    assert [(now - candle.bucket).total_seconds() // 3600 for candle in candles] == list(range(47, 0, -1))


BAD_PARAMETERS: list[Any] = [
    ("/api/strategies", {"kind": "luck"}),
    ("/api/strategies", {"cursor": "*"}),
    ("/api/strategies/compare", {}),
    ("/api/strategies/compare", {"ids": ""}),
    ("/api/strategies/compare", {"ids": "1,x"}),
    ("/api/strategies/compare", {"ids": "1,2,3,4,5,6,7,8,9,10,11"}),
    ("/api/strategies/compare", {"ids": "1", "days": 0}),
    ("/api/strategies/leaderboard", {"days": 9999}),
]


async def test_bad_parameters(dashboard: Any) -> None:
    """A parameter outside of what is accepted is a 400 with a sentence."""
    for path, parameters in BAD_PARAMETERS:
        await dashboard.get(1, path, 400, **parameters)


async def test_a_full_queue_refuses_at_once() -> None:
    """With as many calculations as the queue holds, the next one is told when to come back."""
    calculator = Calculator(max_pending=2)
    try:
        first = [asyncio.create_task(calculator.run(os.getpid)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as refused:
            await calculator.run(os.getpid)
        assert int(refused.value.headers["Retry-After"]) > 0
        child, again = await asyncio.gather(*first)
        assert child == again != os.getpid()
        assert await calculator.run(os.getpid) == child
    finally:
        calculator.stop()


@pytest.mark.timeout(60)
async def test_the_event_loop_stays_free(tmp_path: Path) -> None:
    """While a calculation goes on, the loop does too: it writes what the calculation waits for."""
    os.mkfifo(tmp_path / "pipe")
    calculator = Calculator()
    try:
        task = asyncio.create_task(calculator.run(Path.read_text, tmp_path / "pipe"))
        await asyncio.sleep(0)
        assert not task.done()
        await asyncio.to_thread((tmp_path / "pipe").write_text, "from the loop")
        assert await task == "from the loop"
    finally:
        calculator.stop()


async def test_the_process_is_ready_before_it_is_asked_for() -> None:
    """With the libraries that take seconds to import; and a server that stops at once starts none."""
    calculator, stopped = Calculator(start_seconds=0), Calculator(start_seconds=0.05)
    imported = "'empyrical' in __import__('sys').modules"
    try:
        await calculator.start()
        await stopped.start()
        stopped.stop()
        for _ in range(3):
            await asyncio.sleep(0)  # the loop starts what is due
        assert await calculator.run(eval, imported) is True
        assert await stopped.run(eval, imported) is False
    finally:
        calculator.stop()
        stopped.stop()


async def test_a_lost_process_is_replaced() -> None:
    """When the calculating process is killed, its caller is told so, and the next one finds a new process."""
    calculator = Calculator()
    try:
        child = await calculator.run(os.getpid)
        task = asyncio.create_task(calculator.run(time.sleep, 30))
        await asyncio.sleep(0)
        os.kill(child, signal.SIGKILL)
        with pytest.raises(Unavailable):
            await task
        assert await calculator.run(os.getpid) != child
    finally:
        calculator.stop()


async def test_the_process_leaves_with_its_parent(tmp_path: Any) -> None:
    """Even after SIGKILL of the server no calculating process stays behind."""
    script = tmp_path / "server.py"
    script.write_text(
        "import asyncio, os\n"
        "from adaf.strategies.calculator import Calculator\n"
        "async def main():\n"
        "    print(await Calculator().run(os.getpid), flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    server = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    assert server.stdout is not None
    child = psutil.Process(int(await server.stdout.readline()))
    server.kill()
    await server.wait()
    await asyncio.to_thread(psutil.wait_procs, [child], 10)
    assert not child.is_running()

"""Running a strategy: candles from PostgreSQL, a calculation in its own process, a record and its audit."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from adaf.audit.writes import record
from adaf.problem import Unprocessable
from adaf.strategies import reads
from adaf.strategies.calculation import TooFewBarsError, calculate
from adaf.strategies.exposure import Bars
from adaf.strategies.models import Candle, Definition, Metrics, Run, Timeframe

if TYPE_CHECKING:
    from adaf.database import Database
    from adaf.strategies.calculator import Calculator
    from pack2.monitoring import Recorder

HISTORY_DAYS: dict[Timeframe, int] = {"5m": 7, "1h": 60, "1d": 730}


async def run_strategy(
    db: Database, calculator: Calculator, user_id: int, strategy_id: int, metrics: Recorder
) -> Run:
    """Calculate the strategy over its history up to the market's time, and record the run.

    Raises NotFound, Unprocessable when there are too few candles (recorded as failed), and Unavailable when
    too many calculations wait (not recorded).
    """
    definition = await reads.definition(db, user_id, strategy_id)
    timeframe = definition.timeframe
    candles = await reads.candles(db, definition.asset_id, timeframe, HISTORY_DAYS[timeframe])
    started = perf_counter()
    try:
        figures = await _calculate(calculator, definition, candles)
    except TooFewBarsError as error:
        await _store(db, user_id, strategy_id, perf_counter() - started, None, str(error))
        raise Unprocessable(str(error)) from None
    seconds = perf_counter() - started
    metrics.observe("adaf_strategy_calculation_seconds", seconds, (timeframe,))
    return await _store(db, user_id, strategy_id, seconds, figures, None)


async def _calculate(calculator: Calculator, definition: Definition, candles: list[Candle]) -> Metrics:
    bars = Bars(*np.array([(bar.high, bar.low, bar.close) for bar in candles]).reshape(-1, 3).T)
    return await calculator.run(calculate, definition.kind, definition.timeframe, definition.parameters, bars)


async def _store(
    db: Database, user_id: int, strategy_id: int, seconds: float, metrics: Metrics | None, error: str | None
) -> Run:
    status = "failed" if metrics is None else "done"
    found = None if metrics is None else msgspec.to_builtins(metrics)
    async with db.transaction() as tx:
        run = await tx.one(
            "strategy_run_record", strategy_id, user_id, status, seconds, found, error, type=Run
        )
        assert run is not None
        await record(
            tx, user_id, "strategy.run", f"strategy:{strategy_id}", {"run_id": run.id, "status": status}
        )
    return run

"""The dashboard's own metrics. Labels are closed sets here too: results, sides, formats, timeframes."""

from __future__ import annotations

from typing import Final

from pack2.monitoring import Family, Recorder, by_name

CALCULATION_SECONDS: Final = (0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
TIMEFRAMES: Final = ("5m", "1h", "1d")
SIGN_INS: Final = ("admitted", "refused", "limited")

COUNTED: Final = by_name(
    Family("adaf_sign_ins_total", "counter", "Attempts to sign in, by what became of them.", ("result",)),
    Family("adaf_trades_total", "counter", "Trades recorded.", ("side",)),
    Family("adaf_reports_total", "counter", "Reports asked for.", ("format",)),
    Family(
        "adaf_strategy_calculation_seconds",
        "histogram",
        "Time of a strategy's calculation, its wait for a processor included.",
        ("timeframe",),
        CALCULATION_SECONDS,
    ),
    Family("adaf_strategy_calculations_waiting", "gauge", "Calculations that wait or run."),
)
PROBED: Final = by_name(Family("adaf_market_data_lag_seconds", "gauge", "Age of the latest quote."))


def new_recorder() -> Recorder:
    """A recorder whose known series are there from the start, as 0."""
    recorder = Recorder(COUNTED)
    for result in SIGN_INS:
        recorder.count("adaf_sign_ins_total", (result,))
    for side in ("buy", "sell"):
        recorder.count("adaf_trades_total", (side,))
    for kind in ("pdf", "csv"):
        recorder.count("adaf_reports_total", (kind,))
    for timeframe in TIMEFRAMES:
        recorder.distribution("adaf_strategy_calculation_seconds", (timeframe,))
    return recorder

"""The overview: sums over one user's own portfolios."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

OWNER = """SELECT owner_id FROM portfolios WHERE NOT is_archived
    GROUP BY owner_id ORDER BY count(*) DESC, owner_id LIMIT 1"""


async def test_the_totals_add_up(dashboard: Any) -> None:
    """Cash and invested money equal the portfolios' own at the quotes; the shares are of that whole."""
    owner = await dashboard.sql.fetchval(OWNER)
    overview = await dashboard.get(owner, "/api/overview")
    cash, invested = await dashboard.sql.fetchrow(
        """SELECT (SELECT sum(cash) FROM portfolios WHERE owner_id = $1 AND NOT is_archived),
            (SELECT sum(h.quantity * q.price::numeric) FROM positions h JOIN quotes q USING (asset_id)
             JOIN portfolios p ON p.id = h.portfolio_id WHERE p.owner_id = $1 AND NOT p.is_archived)""",
        owner,
    )
    totals = overview["totals"]
    assert Decimal(totals["cash"]) == cash
    assert abs(Decimal(totals["invested"]) - invested) <= Decimal("0.01") * totals["portfolios"]
    assert Decimal(overview["net_asset_value"]) == Decimal(totals["cash"]) + Decimal(totals["invested"])
    shares = (await dashboard.get(owner, "/api/overview/allocation"))["by_category"]
    assert sum(share["ratio"] for share in shares) == pytest.approx(1)


async def test_the_curve_sums_the_portfolios_day_by_day(dashboard: Any) -> None:
    """Each day's value is the sum of the last values of that day."""
    owner = await dashboard.sql.fetchval(OWNER)
    curve = await dashboard.get(owner, "/api/overview/nav", days=3)
    rows = await dashboard.sql.fetch(
        """SELECT p.id, d.ts, d.nav FROM portfolio_data d JOIN portfolios p ON p.id = d.portfolio_id
           WHERE p.owner_id = $1 AND NOT p.is_archived
             AND d.ts > market_now() - interval '3 days' ORDER BY d.ts""",
        owner,
    )
    last = {(row["ts"].date().isoformat(), row["id"]): row["nav"] for row in rows}
    expected: dict[str, Decimal] = {}
    for (day, _), nav in last.items():
        expected[day] = expected.get(day, Decimal(0)) + nav
    assert {point["day"][:10]: Decimal(point["nav"]) for point in curve} == expected
    assert [point["day"] for point in curve] == sorted(point["day"] for point in curve)


async def test_nothing_of_others_is_in_it(dashboard: Any) -> None:
    """Every transaction, alert and position in the overview belongs to who asks."""
    owner = await dashboard.sql.fetchval(OWNER)
    activity = await dashboard.get(owner, "/api/overview/activity", limit=50)
    own = {
        row["id"] for row in await dashboard.sql.fetch("SELECT id FROM portfolios WHERE owner_id = $1", owner)
    }
    assert activity["transactions"]
    assert {entry["portfolio_id"] for entry in activity["transactions"]} <= own
    alerts = [
        row["id"] for row in await dashboard.sql.fetch("SELECT id FROM alerts WHERE user_id = $1", owner)
    ]
    assert {alert["id"] for alert in activity["alerts"]} <= set(alerts)
    times = [entry["executed_at"] for entry in activity["transactions"]]
    assert times == sorted(times, reverse=True)


async def test_somebody_without_portfolios_sees_zeros(dashboard: Any) -> None:
    """A new user's overview is empty, not an error."""
    nobody = await dashboard.sql.fetchval(
        "INSERT INTO users (email, name, role) VALUES ('new@adaf.test', 'New', 'viewer') RETURNING id"
    )
    overview = await dashboard.get(nobody, "/api/overview")
    assert overview["net_asset_value"] == "0"
    assert overview["best_position"] is None
    for path in ("nav", "movers"):
        assert await dashboard.get(nobody, f"/api/overview/{path}") == []


async def test_movers_and_insights_are_about_what_is_held(dashboard: Any) -> None:
    """Movers, signals and notes speak only of assets that the user holds."""
    owner = await dashboard.sql.fetchval(OWNER)
    rows = await dashboard.sql.fetch(
        """SELECT DISTINCT a.symbol FROM positions h JOIN assets a ON a.id = h.asset_id
           JOIN portfolios p ON p.id = h.portfolio_id
           WHERE p.owner_id = $1 AND h.quantity > 0 AND NOT p.is_archived""",
        owner,
    )
    held = {row["symbol"] for row in rows}
    movers = await dashboard.get(owner, "/api/overview/movers")
    insights = await dashboard.get(owner, "/api/overview/insights")
    assert {entry["symbol"] for entry in [*movers, *insights["signals"], *insights["notes"]]} <= held

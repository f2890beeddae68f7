"""Signals, alerts and the audit log: filters against the tables, paging, visibility and roles."""

from __future__ import annotations

import json
from typing import Any

import pytest

VISIBLE = "(s.is_public OR s.owner_id = $1)"
SIGNALS = f"""SELECT g.id, a.symbol, g.strategy_id, g.direction, g.strength, g.payload
    FROM signals g JOIN strategies s ON s.id = g.strategy_id JOIN assets a ON a.id = g.asset_id
    WHERE {VISIBLE} ORDER BY g.ts DESC, g.id DESC"""


def _matches(row: Any, filters: dict[str, Any]) -> bool:
    return (
        filters.get("symbol", row["symbol"]) == row["symbol"]
        and filters.get("strategy_id", row["strategy_id"]) == row["strategy_id"]
        and filters.get("direction", row["direction"]) == row["direction"]
        and filters.get("min_strength", 0) <= row["strength"]
        and ("tag" not in filters or filters["tag"] in json.loads(row["payload"])["tags"])
    )


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"symbol": "ETH"},
        {"symbol": "ETH", "direction": "sell"},
        {"direction": "buy"},
        {"direction": "buy", "min_strength": 0.7},
        {"tag": "breakout"},
        {"strategy_id": 1},
    ],
)
@pytest.mark.parametrize("limit", [7, 200])
async def test_pages_of_signals(dashboard: Any, filters: dict[str, Any], limit: int) -> None:
    """The pages of any filter together are the matching signals that the user may see, newest first."""
    await dashboard.sql.execute("UPDATE signals SET ts = date_trunc('hour', ts)")
    owner = await dashboard.sql.fetchval("SELECT owner_id FROM strategies WHERE id = 1")
    rows = await dashboard.sql.fetch(SIGNALS, owner)
    expected = [row["id"] for row in rows if _matches(row, filters)]
    items = await dashboard.every_item(owner, "/api/signals", limit, **filters)
    assert [item["id"] for item in items] == expected
    assert expected


async def test_signals_of_private_strategies(dashboard: Any) -> None:
    """A signal of a private strategy is in its owner's lists, and does not exist for others."""
    number, strategy, owner = await dashboard.sql.fetchrow(
        "SELECT g.id, s.id, s.owner_id FROM signals g JOIN strategies s ON s.id = g.strategy_id"
        " WHERE NOT s.is_public ORDER BY g.id LIMIT 1"
    )
    other = await dashboard.sql.fetchval("SELECT min(id) FROM users WHERE id <> $1", owner)
    assert (await dashboard.get(owner, f"/api/signals/{number}"))["strategy_id"] == strategy
    await dashboard.get(other, f"/api/signals/{number}", 404)
    assert (await dashboard.get(owner, "/api/signals", strategy_id=strategy))["items"]
    assert (await dashboard.get(other, "/api/signals", strategy_id=strategy))["items"] == []


async def test_strongest_signals(dashboard: Any) -> None:
    """The strongest signals are to buy or sell, strongest first, within the days asked for."""
    rows = await dashboard.sql.fetch(
        "SELECT g.strength FROM signals g JOIN strategies s ON s.id = g.strategy_id"
        " WHERE (is_public OR owner_id = 1) AND direction <> 'hold'"
        " AND ts > market_now() - interval '1 day' ORDER BY strength DESC LIMIT 5"
    )
    shown = (await dashboard.get(1, "/api/signals/strongest", days=1, limit=5))["items"]
    assert [item["strength"] for item in shown] == [row["strength"] for row in rows]
    assert "hold" not in {item["direction"] for item in shown}


BAD_SIGNAL_FILTERS: list[Any] = [
    {"symbol": "BTC", "tag": "breakout"},
    {"strategy_id": 1, "direction": "buy"},
    {"min_strength": 0.5},
    {"symbol": "BTC", "direction": "buy", "min_strength": 0.5},
    {"direction": "up"},
    {"direction": "buy", "min_strength": 2},
    {"strategy_id": 0},
    {"tag": ""},
    {"cursor": "x"},
    {"limit": 1000},
]


async def test_bad_signal_filters(dashboard: Any) -> None:
    """Filters that have no list of their own, and values out of range, are a 400 with a sentence."""
    for parameters in BAD_SIGNAL_FILTERS:
        await dashboard.get(1, "/api/signals", 400, **parameters)


async def _alerted(dashboard: Any) -> int:
    """The user with the most unread alerts."""
    number: int = await dashboard.sql.fetchval(
        "SELECT user_id FROM alerts WHERE NOT is_read GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    return number


@pytest.mark.parametrize("unread", [False, True])
@pytest.mark.parametrize("limit", [1, 200])
async def test_pages_of_alerts(dashboard: Any, unread: bool, limit: int) -> None:
    """The pages together are the user's own alerts, or the unread ones, newest first."""
    user_id = await _alerted(dashboard)
    await dashboard.sql.execute("UPDATE alerts SET triggered_at = date_trunc('day', triggered_at)")
    rows = await dashboard.sql.fetch(
        "SELECT id FROM alerts WHERE user_id = $1 AND NOT (is_read AND $2)"
        " ORDER BY triggered_at DESC, id DESC",
        user_id,
        unread,
    )
    items = await dashboard.every_item(user_id, "/api/alerts", limit, unread=str(unread).lower())
    assert [item["id"] for item in items] == [row["id"] for row in rows]


async def test_alerts_of_one_asset(dashboard: Any) -> None:
    """With a symbol the list is the user's own alerts on that asset; with `unread` besides it is a 400."""
    user_id = await _alerted(dashboard)
    row = await dashboard.sql.fetchrow(
        "SELECT a.symbol, array_agg(l.id ORDER BY l.triggered_at DESC, l.id DESC) AS ids FROM alerts l"
        " JOIN assets a ON a.id = l.asset_id WHERE l.user_id = $1 GROUP BY 1"
        " ORDER BY count(*) DESC, 1 LIMIT 1",
        user_id,
    )
    items = await dashboard.every_item(user_id, "/api/alerts", 1, symbol=row["symbol"])
    assert [item["id"] for item in items] == list(row["ids"])
    await dashboard.get(user_id, "/api/alerts", 400, symbol=row["symbol"], unread="true")


async def test_reading_an_alert(dashboard: Any) -> None:
    """A read alert leaves the unread ones and stays in the list; once more changes nothing."""
    user_id = await _alerted(dashboard)
    unread = (await dashboard.get(user_id, "/api/alerts", unread="true"))["items"]
    for _ in range(2):
        await dashboard.post(user_id, f"/api/alerts/{unread[0]['id']}/read", status=204)
    left = (await dashboard.get(user_id, "/api/alerts", unread="true"))["items"]
    assert left == unread[1:]
    counts = (await dashboard.get(user_id, "/api/alerts/counts"))["items"]
    assert sum(count["unread_count"] for count in counts) == len(left)
    every = await dashboard.every_item(user_id, "/api/alerts", 200)
    assert sum(count["total_count"] for count in counts) == len(every)
    assert {alert["id"]: alert["is_read"] for alert in every}[unread[0]["id"]] is True


async def test_another_users_alert_does_not_exist(dashboard: Any) -> None:
    """Nobody marks what is not theirs: 404, and the alert stays unread."""
    user_id = await _alerted(dashboard)
    number = (await dashboard.get(user_id, "/api/alerts", unread="true"))["items"][0]["id"]
    other = await dashboard.sql.fetchval("SELECT min(id) FROM users WHERE id <> $1", user_id)
    await dashboard.post(other, f"/api/alerts/{number}/read", status=404)
    assert await dashboard.sql.fetchval("SELECT is_read FROM alerts WHERE id = $1", number) is False


async def _active(dashboard: Any) -> int:
    number: int = await dashboard.sql.fetchval(
        "SELECT user_id FROM audit_log GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT 1"
    )
    return number


@pytest.mark.parametrize("by_user", [False, True])
@pytest.mark.parametrize("action", [None, "auth.sign_", "transaction"])
@pytest.mark.parametrize("limit", [33, 200])
async def test_pages_of_the_audit_log(
    dashboard: Any, user: Any, by_user: bool, action: str | None, limit: int
) -> None:
    """The pages of any filter together are the matching entries, newest first."""
    operator = await user("operator")
    active = await _active(dashboard)
    filters: dict[str, Any] = ({"user_id": active} if by_user else {}) | (
        {"action": action} if action else {}
    )
    rows = await dashboard.sql.fetch(
        "SELECT id FROM audit_log WHERE ($1::bigint IS NULL OR user_id = $1)"
        " AND starts_with(action, $2) ORDER BY ts DESC, id DESC",
        filters.get("user_id"),
        action or "",
    )
    items = await dashboard.every_item(operator, "/api/audit", limit, **filters)
    assert [item["id"] for item in items] == [row["id"] for row in rows]
    assert items


async def test_what_was_done_to_a_subject(dashboard: Any, user: Any) -> None:
    """With a subject the log is what anybody did to it, newest first."""
    subject = await dashboard.sql.fetchval(
        "SELECT subject FROM audit_log GROUP BY 1 ORDER BY count(*) DESC, 1 LIMIT 1"
    )
    rows = await dashboard.sql.fetch(
        "SELECT id FROM audit_log WHERE subject = $1 ORDER BY ts DESC, id DESC", subject
    )
    items = await dashboard.every_item(await user("operator"), "/api/audit", 2, subject=subject)
    assert [item["id"] for item in items] == [row["id"] for row in rows]
    assert len(items) > 1


@pytest.mark.parametrize("role", ["viewer", "trader"])
async def test_the_audit_log_is_for_operators(dashboard: Any, user: Any, role: str) -> None:
    """Viewers and traders do not read the audit log."""
    await dashboard.get(await user(role), "/api/audit", 403)


BAD_AUDIT_FILTERS: list[Any] = [{"user_id": 0}, {"action": "%"}, {"action": ""}, {"cursor": "?"}]
BAD_AUDIT_FILTERS += [{"subject": "portfolio"}, {"subject": "portfolio:1", "user_id": 1}]


async def test_bad_audit_filters(dashboard: Any, user: Any) -> None:
    """A filter outside of what is accepted is a 400 with a sentence."""
    for parameters in BAD_AUDIT_FILTERS:
        await dashboard.get(await user("operator"), "/api/audit", 400, **parameters)


async def test_an_underscore_is_no_wildcard(dashboard: Any, user: Any) -> None:
    """The beginning of an action is taken literally."""
    await dashboard.sql.execute(
        "INSERT INTO audit_log (action, subject, details) VALUES ('zz_a', 'x:1', '{}'), ('zzba', 'x:2', '{}')"
    )
    found = (await dashboard.get(await user("operator"), "/api/audit", action="zz_"))["items"]
    assert [entry["action"] for entry in found] == ["zz_a"]

"""The loaded sample adds up, recomputed by SQL from its own rows: zero rows may differ."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def sample(sample_database: str) -> Iterator[Connection]:
    """The shared sample, for reading."""
    with psycopg.connect(sample_database, autocommit=True) as connection:
        yield connection


RULES = {
    "a position is the sum of its transactions": """
        SELECT portfolio_id, asset_id, sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END) AS quantity
        FROM transactions GROUP BY portfolio_id, asset_id
        HAVING sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END) <> 0
        EXCEPT SELECT portfolio_id, asset_id, quantity FROM positions
    """,
    "no position is without transactions": """
        SELECT portfolio_id, asset_id FROM positions EXCEPT SELECT portfolio_id, asset_id FROM transactions
    """,
    "cash is the deposit less buys and fees plus sales": """
        SELECT p.id FROM portfolios p
        JOIN LATERAL (
            SELECT cash FROM portfolio_data WHERE portfolio_id = p.id ORDER BY ts LIMIT 1
        ) deposit ON true
        LEFT JOIN LATERAL (
            SELECT sum(CASE side WHEN 'buy' THEN -1 ELSE 1 END * round(quantity * price, 2) - fee) AS flow
            FROM transactions WHERE portfolio_id = p.id
        ) trades ON true
        WHERE p.cash <> deposit.cash + coalesce(trades.flow, 0) OR p.cash < 0
    """,
    "holdings never fall below zero": """
        SELECT id FROM (
            SELECT id, sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END)
                OVER (PARTITION BY portfolio_id, asset_id ORDER BY executed_at, id) AS held
            FROM transactions
        ) running WHERE held < 0
    """,
    "a trade's price lies within its minute's bar": """
        SELECT t.id FROM transactions t LEFT JOIN market_data m
            ON m.asset_id = t.asset_id AND m.ts = date_trunc('minute', t.executed_at)
        WHERE m.ts IS NULL OR t.price NOT BETWEEN m.low::numeric AND m.high::numeric
    """,
    "a net asset value is cash and positions at the last closes": """
        SELECT d.portfolio_id, d.ts FROM portfolio_data d
        JOIN LATERAL (
            SELECT cash FROM portfolio_data WHERE portfolio_id = d.portfolio_id ORDER BY ts LIMIT 1
        ) first ON true
        LEFT JOIN LATERAL (
            SELECT sum(CASE side WHEN 'buy' THEN -1 ELSE 1 END * round(quantity * price, 2) - fee) AS flow
            FROM transactions t WHERE t.portfolio_id = d.portfolio_id AND t.executed_at < d.ts
        ) trades ON true
        LEFT JOIN LATERAL (
            SELECT sum(held.quantity * m.close::numeric) AS worth
            FROM (
                SELECT asset_id, sum(CASE side WHEN 'buy' THEN quantity ELSE -quantity END) AS quantity
                FROM transactions t WHERE t.portfolio_id = d.portfolio_id AND t.executed_at < d.ts
                GROUP BY asset_id
            ) held JOIN market_data m ON m.asset_id = held.asset_id AND m.ts = d.ts - interval '1 minute'
        ) positions ON true
        WHERE d.cash <> first.cash + coalesce(trades.flow, 0)
           OR d.nav <> d.cash + round(coalesce(positions.worth, 0), 2)
    """,
    "the last net asset value is that of the quotes": """
        SELECT p.id FROM portfolios p
        JOIN portfolio_data d ON d.portfolio_id = p.id AND d.ts = market_now()
        LEFT JOIN LATERAL (
            SELECT sum(h.quantity * q.price::numeric) AS worth
            FROM positions h JOIN quotes q ON q.asset_id = h.asset_id WHERE h.portfolio_id = p.id
        ) held ON true
        WHERE d.nav <> p.cash + round(coalesce(held.worth, 0), 2)
    """,
    "a bar's open and close lie between low and high": """
        SELECT asset_id, ts FROM market_data
        WHERE low > least(open, close) OR high < greatest(open, close) OR low <= 0 OR volume < 0
    """,
    "a bar opens at the close before": """
        SELECT asset_id, ts FROM (
            SELECT asset_id, ts, open, lag(close) OVER (PARTITION BY asset_id ORDER BY ts) AS before
            FROM market_data
        ) bars WHERE open <> before
    """,
    "the series has no gap": """
        SELECT asset_id FROM market_data GROUP BY asset_id
        HAVING count(*) <> extract(epoch FROM max(ts) - min(ts)) / 60 + 1
            OR max(ts) <> market_now() - interval '1 minute'
    """,
    "a quote is the last bar and the last 24 hours": """
        SELECT q.asset_id FROM quotes q
        JOIN LATERAL (
            SELECT (array_agg(close ORDER BY ts DESC))[1] AS price, (array_agg(open ORDER BY ts))[1] AS first,
                   sum(volume) AS volume
            FROM market_data m WHERE m.asset_id = q.asset_id AND m.ts >= q.ts - interval '24 hours'
        ) day ON true
        WHERE q.price <> day.price OR q.price_24h_ago <> day.first
           OR abs(q.volume_24h / day.volume - 1) > 1e-9 OR q.bid >= q.price OR q.ask <= q.price
    """,
    "a strategy's equity is the product of its returns": """
        SELECT strategy_id, day FROM (
            SELECT *, exp(sum(ln(1 + daily_return)) OVER (PARTITION BY strategy_id ORDER BY day)) AS product
            FROM strategy_returns
        ) r WHERE abs(equity / product - 1) > 1e-6
    """,
    "a signal is about its strategy's asset": """
        SELECT s.id FROM signals s JOIN strategies t ON t.id = s.strategy_id WHERE s.asset_id <> t.asset_id
    """,
    "nothing happened after the market's clock": """
        SELECT id FROM transactions WHERE executed_at >= market_now()
        UNION ALL SELECT id FROM alerts WHERE triggered_at >= market_now()
        UNION ALL SELECT id FROM signals WHERE ts >= market_now()
        UNION ALL SELECT id FROM audit_log WHERE ts >= market_now()
        UNION ALL SELECT id FROM research_notes WHERE published_at >= market_now()
    """,
    "ids follow time": """
        SELECT later.id FROM transactions t JOIN transactions later ON later.id = t.id + 1
        WHERE later.executed_at < t.executed_at
        UNION ALL SELECT later.id FROM signals s JOIN signals later ON later.id = s.id + 1
        WHERE later.ts < s.ts
        UNION ALL SELECT later.id FROM audit_log a JOIN audit_log later ON later.id = a.id + 1
        WHERE later.ts < a.ts
    """,
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_the_sample_adds_up(sample: Connection, rule: str) -> None:
    """Each rule's query finds the rows that break it: none."""
    assert sample.execute(RULES[rule]).fetchmany(5) == []  # type: ignore[arg-type]


def test_the_named_trader_has_something_to_look_at(sample: Connection) -> None:
    """The trader owns three portfolios with history, alerts (some unread) and strategies."""
    row = sample.execute(
        "SELECT u.role, (SELECT count(*) FROM portfolios WHERE owner_id = u.id),"
        " (SELECT count(*) FROM transactions WHERE portfolio_id IN"
        "  (SELECT id FROM portfolios WHERE owner_id = u.id)),"
        " (SELECT count(*) FROM alerts WHERE user_id = u.id AND NOT is_read),"
        " (SELECT count(*) FROM strategies WHERE owner_id = u.id)"
        " FROM users u WHERE email = 'trader@adaf.test'"
    ).fetchone()
    assert row is not None
    role, portfolios, transactions, unread, strategies = row
    assert (role, portfolios) == ("trader", 3)
    assert transactions > 60
    assert unread > 0
    assert strategies >= 5


def test_each_test_account_has_one_to_three_portfolios(sample: Connection) -> None:
    """Load tests find something behind every account."""
    counts = sample.execute(
        "SELECT count(p.id) FROM users u LEFT JOIN portfolios p ON p.owner_id = u.id"
        " WHERE u.is_test_account GROUP BY u.id"
    ).fetchall()
    assert len(counts) == 20
    assert all(1 <= count <= 3 for (count,) in counts)


def test_about_one_alert_in_ten_is_unread(sample: Connection) -> None:
    """Most alerts were read."""
    row = sample.execute("SELECT avg((NOT is_read)::int) FROM alerts").fetchone()
    assert row is not None
    assert 0.04 < row[0] < 0.2


def test_notes_are_found_by_words(sample: Connection) -> None:
    """Common words are in many notes, rare ones in few."""
    query = (
        "SELECT count(*) FROM research_notes WHERE to_tsvector('english', body) @@ to_tsquery('english', %s)"
    )
    common = sample.execute(query, ("liquidity",)).fetchone()
    rare = sample.execute(query, ("slashing | sequencer",)).fetchone()
    assert common is not None
    assert rare is not None
    assert common[0] > rare[0]
    assert common[0] > 5


def test_signals_carry_tags_indicators_and_a_model(sample: Connection) -> None:
    """Every payload has the three parts that the schema promises, one to three tags."""
    wrong = sample.execute(
        "SELECT id FROM signals WHERE NOT payload ?& ARRAY['tags', 'indicators', 'model']"
        " OR jsonb_array_length(payload -> 'tags') NOT BETWEEN 1 AND 3"
    ).fetchall()
    assert wrong == []

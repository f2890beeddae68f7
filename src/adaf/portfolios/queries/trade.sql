-- Recording a trade, in one database transaction. Locks are taken in one order: the portfolio, then the position.

-- name: trade_lock_portfolio
SELECT p.id, p.cash, p.is_archived FROM portfolios p WHERE p.id = $1 AND p.owner_id = $2 FOR UPDATE;

-- name: trade_lock_position
SELECT h.quantity, h.average_cost FROM positions h WHERE h.portfolio_id = $1 AND h.asset_id = $2 FOR UPDATE;

-- name: trade_asset
-- sample: SELECT symbol FROM assets ORDER BY id LIMIT 20
SELECT a.id, a.symbol, a.is_active, q.price::numeric AS price, market_now() AS ts
FROM assets a
JOIN quotes q ON q.asset_id = a.id
WHERE a.symbol = $1;

-- name: trade_by_reference
SELECT t.id, a.symbol, t.side, t.quantity, t.price, t.fee, t.executed_at, t.note, t.client_reference
FROM transactions t
JOIN assets a ON a.id = t.asset_id
WHERE t.portfolio_id = $1 AND t.client_reference = $2
FOR SHARE OF t;

-- name: trade_insert_transaction
WITH recorded AS (
    INSERT INTO transactions (portfolio_id, asset_id, side, quantity, price, fee, executed_at, note, client_reference)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    RETURNING *
)
SELECT t.id, a.symbol, t.side, t.quantity, t.price, t.fee, t.executed_at, t.note, t.client_reference
FROM recorded t
JOIN assets a ON a.id = t.asset_id;

-- name: trade_set_cash
UPDATE portfolios SET cash = $2 WHERE id = $1;

-- name: trade_set_position
INSERT INTO positions (portfolio_id, asset_id, quantity, average_cost, updated_at)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (portfolio_id, asset_id)
DO UPDATE SET quantity = excluded.quantity, average_cost = excluded.average_cost, updated_at = excluded.updated_at;

-- name: trade_close_position
DELETE FROM positions WHERE portfolio_id = $1 AND asset_id = $2;

-- name: trade_record_nav
INSERT INTO portfolio_data (portfolio_id, ts, nav, cash)
SELECT p.id, $2, round(p.cash + coalesce(held.value, 0), 2), p.cash
FROM portfolios p
LEFT JOIN LATERAL (
    SELECT sum(h.quantity * q.price::numeric) AS value
    FROM positions h
    JOIN quotes q ON q.asset_id = h.asset_id
    WHERE h.portfolio_id = p.id
) held ON true
WHERE p.id = $1
ON CONFLICT (portfolio_id, ts) DO UPDATE SET nav = excluded.nav, cash = excluded.cash;

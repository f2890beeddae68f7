-- name: overview_unread_alerts
-- sample: SELECT DISTINCT user_id FROM alerts ORDER BY user_id LIMIT 30
SELECT count(*) FROM alerts WHERE user_id = $1 AND NOT is_read;

-- name: overview_recent_alerts
-- sample: SELECT DISTINCT user_id, 10 FROM alerts ORDER BY user_id LIMIT 30
SELECT l.id, a.symbol, l.kind, l.message, l.is_read, l.triggered_at
FROM alerts l
JOIN assets a ON a.id = l.asset_id
WHERE l.user_id = $1
ORDER BY l.triggered_at DESC, l.id DESC
LIMIT $2;

-- name: overview_recent_transactions
-- sample: SELECT DISTINCT owner_id, 10 FROM portfolios ORDER BY owner_id LIMIT 30
SELECT t.id, t.portfolio_id, p.name AS portfolio, a.symbol, t.side, t.quantity, t.price, t.executed_at
FROM portfolios p
CROSS JOIN LATERAL (
    SELECT * FROM transactions l WHERE l.portfolio_id = p.id ORDER BY l.executed_at DESC, l.id DESC LIMIT $2
) AS t
JOIN assets a ON a.id = t.asset_id
WHERE p.owner_id = $1
ORDER BY t.executed_at DESC, t.id DESC
LIMIT $2;

-- name: overview_recent_runs
-- sample: SELECT DISTINCT requested_by, 10 FROM strategy_runs ORDER BY requested_by LIMIT 30
SELECT r.id, r.strategy_id, s.name AS strategy, r.status, r.started_at, r.finished_at
FROM strategy_runs r
JOIN strategies s ON s.id = r.strategy_id
WHERE r.requested_by = $1
ORDER BY r.started_at DESC, r.id DESC
LIMIT $2;

-- name: overview_signals_on_holdings
-- sample: SELECT DISTINCT owner_id, 10 FROM portfolios ORDER BY owner_id LIMIT 30
SELECT g.id, a.symbol, g.strategy_id, s.name AS strategy, g.ts, g.direction, g.strength
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
JOIN assets a ON a.id = g.asset_id
WHERE s.is_public
  AND g.asset_id IN (
      SELECT h.asset_id
      FROM positions h
      JOIN portfolios p ON p.id = h.portfolio_id
      WHERE p.owner_id = $1 AND NOT p.is_archived AND h.quantity > 0
  )
ORDER BY g.ts DESC, g.id DESC
LIMIT $2;

-- name: overview_notes_on_holdings
-- sample: SELECT DISTINCT owner_id, 5 FROM portfolios ORDER BY owner_id LIMIT 30
SELECT n.id, a.symbol, n.title, n.published_at
FROM research_notes n
JOIN assets a ON a.id = n.asset_id
WHERE n.asset_id IN (
    SELECT h.asset_id
    FROM positions h
    JOIN portfolios p ON p.id = h.portfolio_id
    WHERE p.owner_id = $1 AND NOT p.is_archived AND h.quantity > 0
)
ORDER BY n.published_at DESC, n.id DESC
LIMIT $2;

-- name: overview_totals
-- sample: SELECT DISTINCT owner_id FROM portfolios ORDER BY owner_id LIMIT 30
SELECT count(*) AS portfolios,
       coalesce(sum(p.cash), 0) AS cash,
       coalesce(sum(held.value), 0) AS invested,
       coalesce(sum(held.cost), 0) AS cost,
       coalesce(sum(held.value_24h_ago), 0) AS invested_24h_ago
FROM portfolios p
LEFT JOIN LATERAL (
    SELECT round(sum(h.quantity * q.price::numeric), 2) AS value,
           round(sum(h.quantity * h.average_cost), 2) AS cost,
           round(sum(h.quantity * q.price_24h_ago::numeric), 2) AS value_24h_ago
    FROM positions h
    JOIN quotes q ON q.asset_id = h.asset_id
    WHERE h.portfolio_id = p.id
) AS held ON true
WHERE p.owner_id = $1 AND NOT p.is_archived;

-- name: overview_nav
-- sample: SELECT DISTINCT owner_id, 90 FROM portfolios ORDER BY owner_id LIMIT 30
SELECT day, sum(nav) AS nav, sum(cash) AS cash
FROM (
    SELECT DISTINCT ON (d.portfolio_id, date_trunc('day', d.ts, 'UTC'))
           date_trunc('day', d.ts, 'UTC') AS day, d.nav, d.cash
    FROM portfolio_data d
    JOIN portfolios p ON p.id = d.portfolio_id
    WHERE p.owner_id = $1 AND NOT p.is_archived
      AND d.ts > (SELECT market_now()) - make_interval(days => $2)
    ORDER BY d.portfolio_id, date_trunc('day', d.ts, 'UTC'), d.ts DESC
) AS closing
GROUP BY day
ORDER BY day;

-- name: overview_allocation_by_asset
-- sample: SELECT DISTINCT owner_id FROM portfolios ORDER BY owner_id LIMIT 30
SELECT a.symbol, a.category, round(sum(h.quantity * q.price::numeric), 2) AS value
FROM portfolios p
JOIN positions h ON h.portfolio_id = p.id
JOIN quotes q ON q.asset_id = h.asset_id
JOIN assets a ON a.id = h.asset_id
WHERE p.owner_id = $1 AND NOT p.is_archived AND h.quantity > 0
GROUP BY a.symbol, a.category
ORDER BY value DESC, a.symbol;

-- name: overview_movers
-- sample: SELECT DISTINCT owner_id, 5 FROM portfolios ORDER BY owner_id LIMIT 30
SELECT a.symbol, a.name, q.price, q.price / q.price_24h_ago - 1 AS change_24h_ratio,
       round(sum(h.quantity * (q.price - q.price_24h_ago)::numeric), 2) AS change_24h_value
FROM portfolios p
JOIN positions h ON h.portfolio_id = p.id
JOIN quotes q ON q.asset_id = h.asset_id
JOIN assets a ON a.id = h.asset_id
WHERE p.owner_id = $1 AND NOT p.is_archived AND h.quantity > 0
GROUP BY a.symbol, a.name, q.price, q.price_24h_ago
ORDER BY abs(q.price / q.price_24h_ago - 1) DESC, a.symbol
LIMIT $2;

-- name: overview_best_position
-- sample: SELECT DISTINCT owner_id FROM portfolios ORDER BY owner_id LIMIT 30
SELECT p.id AS portfolio_id, p.name AS portfolio, a.symbol,
       q.price / h.average_cost::double precision - 1 AS gain_ratio,
       round(h.quantity * (q.price::numeric - h.average_cost), 2) AS gain
FROM portfolios p
JOIN positions h ON h.portfolio_id = p.id
JOIN quotes q ON q.asset_id = h.asset_id
JOIN assets a ON a.id = h.asset_id
WHERE p.owner_id = $1 AND NOT p.is_archived AND h.quantity > 0 AND h.average_cost > 0
ORDER BY gain_ratio DESC, a.symbol
LIMIT 1;

-- name: overview_worst_position
-- sample: SELECT DISTINCT owner_id FROM portfolios ORDER BY owner_id LIMIT 30
SELECT p.id AS portfolio_id, p.name AS portfolio, a.symbol,
       q.price / h.average_cost::double precision - 1 AS gain_ratio,
       round(h.quantity * (q.price::numeric - h.average_cost), 2) AS gain
FROM portfolios p
JOIN positions h ON h.portfolio_id = p.id
JOIN quotes q ON q.asset_id = h.asset_id
JOIN assets a ON a.id = h.asset_id
WHERE p.owner_id = $1 AND NOT p.is_archived AND h.quantity > 0 AND h.average_cost > 0
ORDER BY gain_ratio, a.symbol
LIMIT 1;

-- name: overview_fees
-- sample: SELECT DISTINCT owner_id, 30 FROM portfolios ORDER BY owner_id LIMIT 30
SELECT coalesce(sum(t.fee), 0) AS fees
FROM portfolios p
JOIN transactions t ON t.portfolio_id = p.id
WHERE p.owner_id = $1 AND t.executed_at > (SELECT market_now()) - make_interval(days => $2);

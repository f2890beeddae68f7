-- Portfolios and what they hold. Every statement asks for the owner: another user's portfolio does not exist.

-- name: portfolio_list
-- sample: SELECT owner_id FROM (SELECT owner_id, row_number() OVER (ORDER BY count(*) DESC, owner_id) AS rank
--   FROM portfolios GROUP BY owner_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT p.id, p.name, p.base_currency, p.cash, p.is_archived, p.created_at, latest.nav, latest.ts AS nav_at,
       (SELECT count(*) FROM positions h WHERE h.portfolio_id = p.id) AS position_count
FROM portfolios p
LEFT JOIN LATERAL (SELECT d.nav, d.ts FROM portfolio_data d WHERE d.portfolio_id = p.id ORDER BY d.ts DESC LIMIT 1) latest
    ON true
WHERE p.owner_id = $1
ORDER BY p.is_archived, p.id;

-- name: portfolio_one
-- sample: SELECT id, owner_id FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT p.id, p.name, p.base_currency, p.cash, p.is_archived, p.created_at, latest.nav, latest.ts AS nav_at,
       (SELECT count(*) FROM positions h WHERE h.portfolio_id = p.id) AS position_count
FROM portfolios p
LEFT JOIN LATERAL (SELECT d.nav, d.ts FROM portfolio_data d WHERE d.portfolio_id = p.id ORDER BY d.ts DESC LIMIT 1) latest
    ON true
WHERE p.id = $1 AND p.owner_id = $2;

-- name: portfolio_positions
-- sample: SELECT id, owner_id FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT a.symbol, a.name, a.category, h.quantity, h.average_cost, q.price::numeric AS price,
       round(h.quantity * q.price::numeric, 2) AS value,
       round(h.quantity * h.average_cost, 2) AS cost,
       round(h.quantity * (q.price::numeric - h.average_cost), 2) AS profit,
       (q.price / nullif(h.average_cost, 0) - 1)::float8 AS profit_ratio,
       q.price / nullif(q.price_24h_ago, 0) - 1 AS change_24h_ratio,
       h.updated_at
FROM positions h
JOIN portfolios p ON p.id = h.portfolio_id
JOIN assets a ON a.id = h.asset_id
JOIN quotes q ON q.asset_id = h.asset_id
WHERE h.portfolio_id = $1 AND p.owner_id = $2
ORDER BY value DESC, a.symbol;

-- name: portfolio_top_holdings
-- sample: SELECT id, owner_id, 5 FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT a.symbol, a.name, round(h.quantity * q.price::numeric, 2) AS value,
       (h.quantity * q.price::numeric / sum(h.quantity * q.price::numeric) OVER ())::float8 AS share_ratio
FROM positions h
JOIN portfolios p ON p.id = h.portfolio_id
JOIN assets a ON a.id = h.asset_id
JOIN quotes q ON q.asset_id = h.asset_id
WHERE h.portfolio_id = $1 AND p.owner_id = $2
ORDER BY value DESC, a.symbol
LIMIT $3;

-- name: portfolio_allocation
-- sample: SELECT id, owner_id FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT part.category, round(sum(part.value), 2) AS value,
       coalesce((sum(part.value) / nullif(sum(sum(part.value)) OVER (), 0))::float8, 0) AS share_ratio,
       sum(part.positions)::bigint AS position_count
FROM (
    SELECT a.category, h.quantity * q.price::numeric AS value, 1 AS positions
    FROM positions h
    JOIN portfolios p ON p.id = h.portfolio_id
    JOIN assets a ON a.id = h.asset_id
    JOIN quotes q ON q.asset_id = h.asset_id
    WHERE h.portfolio_id = $1 AND p.owner_id = $2
    UNION ALL
    SELECT 'cash', p.cash, 0 FROM portfolios p WHERE p.id = $1 AND p.owner_id = $2
) part
GROUP BY part.category
ORDER BY value DESC, part.category;

-- name: portfolio_performance
-- sample: SELECT id, owner_id, (ARRAY[7, 30, 30, 90])[1 + rank % 4] FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
WITH daily AS (
    SELECT DISTINCT ON ((d.ts AT TIME ZONE 'UTC')::date) (d.ts AT TIME ZONE 'UTC')::date AS day, d.nav, d.cash
    FROM portfolio_data d
    JOIN portfolios p ON p.id = d.portfolio_id
    WHERE d.portfolio_id = $1 AND p.owner_id = $2 AND d.ts > market_now() - make_interval(days => $3)
    ORDER BY (d.ts AT TIME ZONE 'UTC')::date, d.ts DESC
)
SELECT day, nav, cash,
       (nav / nullif(lag(nav) OVER by_day, 0) - 1)::float8 AS daily_return,
       (nav / nullif(first_value(nav) OVER by_day, 0) - 1)::float8 AS cumulative_return,
       (nav / nullif(max(nav) OVER by_day, 0) - 1)::float8 AS drawdown
FROM daily
WINDOW by_day AS (ORDER BY day)
ORDER BY day;

-- name: portfolio_owned
-- sample: SELECT id, owner_id FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT EXISTS (SELECT FROM portfolios p WHERE p.id = $1 AND p.owner_id = $2);

-- The ledger, newest first; keyset on (executed_at, id). One statement a shape, so that each has one good plan.

-- name: transactions_page
-- sample: SELECT id, owner_id, market_now() - page.age + interval '1 second', 9223372036854775807, 50 FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   CROSS JOIN (VALUES (interval '0'), (interval '20 days')) AS page (age)
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT t.id, a.symbol, t.side, t.quantity, t.price, t.fee, t.executed_at, t.note, t.client_reference
FROM transactions t
JOIN portfolios p ON p.id = t.portfolio_id
JOIN assets a ON a.id = t.asset_id
WHERE t.portfolio_id = $1 AND p.owner_id = $2 AND (t.executed_at, t.id) < ($3, $4)
ORDER BY t.executed_at DESC, t.id DESC
LIMIT $5;

-- name: transactions_page_by_asset
-- sample: SELECT id, owner_id, traded.symbol, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   JOIN LATERAL (SELECT a.symbol FROM transactions x JOIN assets a ON a.id = x.asset_id WHERE x.portfolio_id = ranked.id
--   GROUP BY a.symbol ORDER BY count(*) DESC, a.symbol LIMIT 2) traded ON true
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT t.id, a.symbol, t.side, t.quantity, t.price, t.fee, t.executed_at, t.note, t.client_reference
FROM transactions t
JOIN portfolios p ON p.id = t.portfolio_id
JOIN assets a ON a.id = t.asset_id
WHERE t.portfolio_id = $1 AND p.owner_id = $2 AND a.symbol = $3 AND (t.executed_at, t.id) < ($4, $5)
ORDER BY t.executed_at DESC, t.id DESC
LIMIT $6;

-- name: transactions_page_by_side
-- sample: SELECT id, owner_id, way.side, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   CROSS JOIN (VALUES ('buy'), ('sell')) AS way (side)
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT t.id, a.symbol, t.side, t.quantity, t.price, t.fee, t.executed_at, t.note, t.client_reference
FROM transactions t
JOIN portfolios p ON p.id = t.portfolio_id
JOIN assets a ON a.id = t.asset_id
WHERE t.portfolio_id = $1 AND p.owner_id = $2 AND t.side = $3 AND (t.executed_at, t.id) < ($4, $5)
ORDER BY t.executed_at DESC, t.id DESC
LIMIT $6;

-- name: transactions_page_by_asset_and_side
-- sample: SELECT id, owner_id, traded.symbol, 'buy'::text, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   JOIN LATERAL (SELECT a.symbol FROM transactions x JOIN assets a ON a.id = x.asset_id WHERE x.portfolio_id = ranked.id
--   GROUP BY a.symbol ORDER BY count(*) DESC, a.symbol LIMIT 2) traded ON true
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT t.id, a.symbol, t.side, t.quantity, t.price, t.fee, t.executed_at, t.note, t.client_reference
FROM transactions t
JOIN portfolios p ON p.id = t.portfolio_id
JOIN assets a ON a.id = t.asset_id
WHERE t.portfolio_id = $1 AND p.owner_id = $2 AND a.symbol = $3 AND t.side = $4 AND (t.executed_at, t.id) < ($5, $6)
ORDER BY t.executed_at DESC, t.id DESC
LIMIT $7;

-- name: transactions_last_of_asset
-- sample: SELECT id, owner_id, traded.symbol, 5 FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   JOIN LATERAL (SELECT a.symbol FROM transactions x JOIN assets a ON a.id = x.asset_id WHERE x.portfolio_id = ranked.id
--   GROUP BY a.symbol ORDER BY count(*) DESC, a.symbol LIMIT 2) traded ON true
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT t.id, a.symbol, t.side, t.quantity, t.price, t.fee, t.executed_at, t.note, t.client_reference
FROM transactions t
JOIN portfolios p ON p.id = t.portfolio_id
JOIN assets a ON a.id = t.asset_id
WHERE t.portfolio_id = $1 AND p.owner_id = $2 AND a.symbol = $3
ORDER BY t.executed_at DESC, t.id DESC
LIMIT $4;

-- name: transactions_recent_of_owner
-- sample: SELECT owner_id, 10 FROM (SELECT p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.owner_id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.owner_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT t.id, p.id AS portfolio_id, p.name AS portfolio, a.symbol, t.side, t.quantity, t.price, t.fee, t.executed_at
FROM portfolios p
CROSS JOIN LATERAL (
    SELECT * FROM transactions l WHERE l.portfolio_id = p.id ORDER BY l.executed_at DESC, l.id DESC LIMIT $2
) AS t
JOIN assets a ON a.id = t.asset_id
WHERE p.owner_id = $1
ORDER BY t.executed_at DESC, t.id DESC
LIMIT $2;

-- name: transactions_monthly_summary
-- sample: SELECT id, owner_id, (ARRAY[1, 3, 6, 12])[1 + rank % 4] FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT date_trunc('month', t.executed_at, 'UTC')::date AS month,
       count(*) AS transaction_count,
       coalesce(round(sum(t.quantity * t.price) FILTER (WHERE t.side = 'buy'), 2), 0) AS bought,
       coalesce(round(sum(t.quantity * t.price) FILTER (WHERE t.side = 'sell'), 2), 0) AS sold,
       sum(t.fee) AS fees,
       count(DISTINCT t.asset_id) AS asset_count
FROM transactions t
JOIN portfolios p ON p.id = t.portfolio_id
WHERE t.portfolio_id = $1 AND p.owner_id = $2
  AND t.executed_at >= date_trunc('month', market_now(), 'UTC') - make_interval(months => $3 - 1)
GROUP BY month
ORDER BY month DESC;

-- name: transactions_fees_paid
-- sample: SELECT id, owner_id, (ARRAY[7, 30, 90, 365])[1 + rank % 4] FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT t.side, count(*) AS transaction_count, sum(t.fee) AS fees,
       coalesce((sum(t.fee) / nullif(sum(t.quantity * t.price), 0))::float8, 0) AS fee_ratio
FROM transactions t
JOIN portfolios p ON p.id = t.portfolio_id
WHERE t.portfolio_id = $1 AND p.owner_id = $2 AND t.executed_at > market_now() - make_interval(days => $3)
GROUP BY t.side
ORDER BY t.side;

-- name: transactions_realised_by_asset
-- sample: SELECT id, owner_id FROM (
--   SELECT p.id, p.owner_id, row_number() OVER (ORDER BY count(*) DESC, p.id) AS rank
--   FROM portfolios p JOIN transactions t ON t.portfolio_id = p.id GROUP BY p.id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT a.symbol, traded.sold_quantity, round(traded.proceeds, 2) AS proceeds,
       round(traded.proceeds - traded.spent + coalesce(h.quantity * h.average_cost, 0), 2) AS realised,
       traded.fees
FROM (
    SELECT t.asset_id,
           sum(t.quantity) FILTER (WHERE t.side = 'sell') AS sold_quantity,
           sum(t.quantity * t.price) FILTER (WHERE t.side = 'sell') AS proceeds,
           sum(t.quantity * t.price) FILTER (WHERE t.side = 'buy') AS spent,
           sum(t.fee) AS fees
    FROM transactions t
    JOIN portfolios p ON p.id = t.portfolio_id
    WHERE t.portfolio_id = $1 AND p.owner_id = $2
    GROUP BY t.asset_id
    HAVING bool_or(t.side = 'sell')
) traded
JOIN assets a ON a.id = traded.asset_id
LEFT JOIN positions h ON h.portfolio_id = $1 AND h.asset_id = traded.asset_id
ORDER BY realised DESC, a.symbol;

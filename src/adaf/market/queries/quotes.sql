-- name: quotes_all
-- sample: SELECT FROM generate_series(1, 5)
SELECT a.symbol, q.ts, q.price, q.bid, q.ask, q.volume_24h, q.price / q.price_24h_ago - 1 AS change_24h_ratio
FROM quotes q
JOIN assets a ON a.id = q.asset_id
WHERE a.is_active
ORDER BY a.symbol;

-- name: quote_by_symbol
-- sample: SELECT symbol FROM assets ORDER BY symbol LIMIT 20
SELECT a.symbol, q.ts, q.price, q.bid, q.ask, q.volume_24h, q.price / q.price_24h_ago - 1 AS change_24h_ratio
FROM quotes q
JOIN assets a ON a.id = q.asset_id
WHERE a.symbol = $1;

-- name: price_at
-- sample: SELECT a.symbol, market_now() - a.id % 20 * interval '7 hours' FROM assets a ORDER BY a.id LIMIT 20
SELECT m.ts, m.close AS price
FROM market_data m
WHERE m.asset_id = (SELECT id FROM assets WHERE symbol = $1) AND m.ts <= $2
ORDER BY m.ts DESC
LIMIT 1;

-- name: movers_up
-- sample: SELECT n FROM generate_series(5, 25, 5) AS n
SELECT a.symbol, a.name, q.price, q.price / q.price_24h_ago - 1 AS change_24h_ratio, q.volume_24h
FROM quotes q
JOIN assets a ON a.id = q.asset_id
WHERE a.is_active
ORDER BY q.price / q.price_24h_ago DESC, a.symbol
LIMIT $1;

-- name: movers_down
-- sample: SELECT n FROM generate_series(5, 25, 5) AS n
SELECT a.symbol, a.name, q.price, q.price / q.price_24h_ago - 1 AS change_24h_ratio, q.volume_24h
FROM quotes q
JOIN assets a ON a.id = q.asset_id
WHERE a.is_active
ORDER BY q.price / q.price_24h_ago, a.symbol
LIMIT $1;

-- name: most_traded
-- sample: SELECT days, 10 FROM (VALUES (1), (3), (7), (14), (30)) AS window_of(days)
SELECT a.symbol, a.name, traded.transactions, traded.turnover
FROM (
    SELECT asset_id, count(*) AS transactions, round(sum(quantity * price), 2) AS turnover
    FROM transactions
    WHERE executed_at > (SELECT market_now()) - make_interval(days => $1)
    GROUP BY asset_id
    ORDER BY count(*) DESC, asset_id
    LIMIT $2
) AS traded
JOIN assets a ON a.id = traded.asset_id
ORDER BY traded.transactions DESC, a.symbol;

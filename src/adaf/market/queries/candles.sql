-- name: candles_1m
-- sample: SELECT symbol, market_now() - id % 5 * interval '6 hours', 300 FROM assets ORDER BY id LIMIT 20
SELECT ts, open, high, low, close, volume
FROM market_data
WHERE asset_id = (SELECT id FROM assets WHERE symbol = $1) AND ts < $2
ORDER BY ts DESC
LIMIT $3;

-- name: candles_5m
-- sample: SELECT symbol, market_now() - id % 5 * interval '1 day', 300 FROM assets ORDER BY id LIMIT 20
SELECT bucket AS ts, open, high, low, close, volume
FROM candles_5m
WHERE asset_id = (SELECT id FROM assets WHERE symbol = $1) AND bucket < $2
ORDER BY bucket DESC
LIMIT $3;

-- name: candles_1h
-- sample: SELECT symbol, market_now() - id % 5 * interval '2 days', 200 FROM assets ORDER BY id LIMIT 20
SELECT bucket AS ts, open, high, low, close, volume
FROM candles_1h
WHERE asset_id = (SELECT id FROM assets WHERE symbol = $1) AND bucket < $2
ORDER BY bucket DESC
LIMIT $3;

-- name: candles_1d
-- sample: SELECT symbol, market_now() - id % 5 * interval '5 days', 90 FROM assets ORDER BY id LIMIT 20
SELECT bucket AS ts, open, high, low, close, volume
FROM candles_1d
WHERE asset_id = (SELECT id FROM assets WHERE symbol = $1) AND bucket < $2
ORDER BY bucket DESC
LIMIT $3;

-- name: latest_bars
-- sample: SELECT FROM generate_series(1, 5)
SELECT a.symbol, bar.ts, bar.open, bar.high, bar.low, bar.close, bar.volume
FROM assets a
CROSS JOIN LATERAL (
    SELECT m.ts, m.open, m.high, m.low, m.close, m.volume
    FROM market_data m
    WHERE m.asset_id = a.id
    ORDER BY m.ts DESC
    LIMIT 1
) AS bar
WHERE a.is_active
ORDER BY a.symbol;

-- name: sparklines
-- sample: SELECT hours FROM (VALUES (6), (12), (24), (36), (48)) AS window_of(hours)
SELECT a.symbol, array_agg(point.close ORDER BY point.ts) AS closes
FROM assets a
JOIN market_data point ON point.asset_id = a.id
WHERE a.is_active
  AND point.ts > (SELECT market_now()) - make_interval(hours => $1)
  AND extract(minute FROM point.ts AT TIME ZONE 'UTC') = 0
GROUP BY a.symbol
ORDER BY a.symbol;

-- name: daily_closes
-- sample: SELECT array_agg(symbol ORDER BY symbol), days
--   FROM (SELECT symbol, id % 10 AS basket, (10 + 10 * (id % 10))::int AS days FROM assets) AS baskets
--   GROUP BY basket, days ORDER BY days
SELECT a.symbol, d.bucket AS day, d.close
FROM candles_1d d
JOIN assets a ON a.id = d.asset_id
WHERE d.asset_id = ANY (ARRAY(SELECT id FROM assets WHERE symbol = ANY ($1::text[])))
  AND d.bucket >= (SELECT market_now()) - make_interval(days => $2)
ORDER BY a.symbol, d.bucket;

-- name: category_volume
-- sample: SELECT days FROM (VALUES (1), (7), (14), (30), (90)) AS window_of(days)
SELECT a.category, d.bucket AS day, sum(d.volume * (d.high + d.low) / 2) AS turnover
FROM candles_1d d
JOIN assets a ON a.id = d.asset_id
WHERE d.bucket >= (SELECT market_now()) - make_interval(days => $1)
GROUP BY a.category, d.bucket
ORDER BY d.bucket, a.category;

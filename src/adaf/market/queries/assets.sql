-- name: assets_page
-- sample: SELECT symbol, 51 FROM assets WHERE is_active ORDER BY symbol LIMIT 20
SELECT a.id, a.symbol, a.name, a.category, q.price, q.price / q.price_24h_ago - 1 AS change_24h_ratio, q.volume_24h
FROM assets a
JOIN quotes q ON q.asset_id = a.id
WHERE a.is_active AND a.symbol > $1
ORDER BY a.symbol
LIMIT $2;

-- name: assets_page_in_category
-- sample: SELECT DISTINCT category, '', 51 FROM assets ORDER BY category LIMIT 20
SELECT a.id, a.symbol, a.name, a.category, q.price, q.price / q.price_24h_ago - 1 AS change_24h_ratio, q.volume_24h
FROM assets a
JOIN quotes q ON q.asset_id = a.id
WHERE a.is_active AND a.category = $1 AND a.symbol > $2
ORDER BY a.symbol
LIMIT $3;

-- name: asset_by_symbol
-- sample: SELECT symbol FROM assets ORDER BY symbol LIMIT 20
SELECT a.id, a.symbol, a.name, a.category, a.description, a.is_active, a.listed_at,
       q.ts AS quoted_at, q.price, q.bid, q.ask, q.volume_24h, q.price_24h_ago
FROM assets a
JOIN quotes q ON q.asset_id = a.id
WHERE a.symbol = $1;

-- name: asset_id_by_symbol
-- sample: SELECT symbol FROM assets ORDER BY symbol LIMIT 20
SELECT id FROM assets WHERE symbol = $1;

-- name: asset_categories
-- sample: SELECT FROM generate_series(1, 5)
SELECT a.category, count(*) AS assets, sum(q.volume_24h * q.price) AS turnover_24h
FROM assets a
JOIN quotes q ON q.asset_id = a.id
WHERE a.is_active
GROUP BY a.category
ORDER BY a.category;

-- name: asset_day_range
-- sample: SELECT id FROM assets ORDER BY id LIMIT 20
SELECT min(low) AS low, max(high) AS high, sum(volume * close) AS turnover
FROM market_data
WHERE asset_id = $1 AND ts > (SELECT market_now()) - interval '24 hours';

-- name: asset_volatility
-- sample: SELECT id, 24 * 30 FROM assets ORDER BY id LIMIT 20
SELECT stddev_samp(log_return)
FROM (
    SELECT ln(close / lag(close) OVER (ORDER BY bucket)) AS log_return
    FROM candles_1h
    WHERE asset_id = $1 AND bucket > (SELECT market_now()) - make_interval(hours => $2)
) AS hourly;

-- name: asset_holders
-- sample: SELECT id FROM assets ORDER BY id LIMIT 20
SELECT count(*) AS portfolios, coalesce(sum(quantity), 0) AS quantity
FROM positions
WHERE asset_id = $1 AND quantity > 0;

-- name: asset_sentiment
-- sample: SELECT id, 7 FROM assets ORDER BY id LIMIT 20
SELECT direction, count(*) AS signals, round(avg(strength)::numeric, 6)::float8 AS strength
FROM signals
WHERE asset_id = $1 AND ts > (SELECT market_now()) - make_interval(days => $2)
GROUP BY direction
ORDER BY direction;

-- name: asset_recent_trades
-- sample: SELECT id, 20 FROM assets ORDER BY id LIMIT 20
SELECT id, side, quantity, price, executed_at
FROM transactions
WHERE asset_id = $1
ORDER BY executed_at DESC, id DESC
LIMIT $2;

-- name: asset_recent_signals
-- sample: SELECT id, 10 FROM assets ORDER BY id LIMIT 20
SELECT g.id, g.strategy_id, s.name AS strategy, g.ts, g.direction, g.strength
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
WHERE g.asset_id = $1 AND s.is_public
ORDER BY g.ts DESC, g.id DESC
LIMIT $2;

-- name: asset_recent_notes
-- sample: SELECT id, 5 FROM assets ORDER BY id LIMIT 20
SELECT n.id, n.title, u.name AS author, n.tags, n.published_at
FROM research_notes n
JOIN users u ON u.id = n.author_id
WHERE n.asset_id = $1
ORDER BY n.published_at DESC, n.id DESC
LIMIT $2;

-- name: asset_public_strategies
-- sample: SELECT id, 10 FROM assets ORDER BY id LIMIT 20
SELECT s.id, s.name, s.kind, s.timeframe, s.updated_at
FROM strategies s
WHERE s.asset_id = $1 AND s.is_public
ORDER BY s.updated_at DESC, s.id DESC
LIMIT $2;

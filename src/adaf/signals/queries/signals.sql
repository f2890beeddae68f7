-- Signals of the strategies that a user may see, newest first; keyset on (ts, id). One statement a filter.

-- name: signals_recent
-- sample: SELECT u.id, page.before, 9223372036854775807, 50 FROM (SELECT id FROM users ORDER BY id LIMIT 4) u
--   CROSS JOIN (SELECT timestamptz '9999-01-01 00:00:00+00' AS before UNION ALL SELECT market_now() - interval '3 days') page
SELECT g.id, g.strategy_id, s.name AS strategy, a.symbol, g.ts, g.direction, g.strength, g.payload
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
JOIN assets a ON a.id = g.asset_id
WHERE (s.is_public OR s.owner_id = $1) AND (g.ts, g.id) < ($2, $3)
ORDER BY g.ts DESC, g.id DESC
LIMIT $4;

-- name: signals_by_symbol
-- sample: SELECT (SELECT min(id) FROM users), symbol, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (SELECT a.symbol, row_number() OVER (ORDER BY count(*) DESC, a.symbol) AS rank
--   FROM signals g JOIN assets a ON a.id = g.asset_id GROUP BY a.symbol) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT g.id, g.strategy_id, s.name AS strategy, a.symbol, g.ts, g.direction, g.strength, g.payload
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
JOIN assets a ON a.id = g.asset_id
WHERE (s.is_public OR s.owner_id = $1) AND a.symbol = $2 AND (g.ts, g.id) < ($3, $4)
ORDER BY g.ts DESC, g.id DESC
LIMIT $5;

-- name: signals_by_symbol_and_direction
-- sample: SELECT (SELECT min(id) FROM users), symbol, way.direction, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (SELECT a.symbol, row_number() OVER (ORDER BY count(*) DESC, a.symbol) AS rank
--   FROM signals g JOIN assets a ON a.id = g.asset_id GROUP BY a.symbol) ranked
--   CROSS JOIN (VALUES ('buy'), ('sell')) AS way (direction) WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT g.id, g.strategy_id, s.name AS strategy, a.symbol, g.ts, g.direction, g.strength, g.payload
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
JOIN assets a ON a.id = g.asset_id
WHERE (s.is_public OR s.owner_id = $1) AND a.symbol = $2 AND g.direction = $3 AND (g.ts, g.id) < ($4, $5)
ORDER BY g.ts DESC, g.id DESC
LIMIT $6;

-- name: signals_by_strategy
-- sample: SELECT owner_id, id, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (
--   SELECT s.id, s.owner_id, s.is_public, row_number() OVER (ORDER BY s.id) AS rank FROM strategies s WHERE EXISTS (SELECT FROM signals g WHERE g.strategy_id = s.id)) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT g.id, g.strategy_id, s.name AS strategy, a.symbol, g.ts, g.direction, g.strength, g.payload
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
JOIN assets a ON a.id = g.asset_id
WHERE (s.is_public OR s.owner_id = $1) AND g.strategy_id = $2 AND (g.ts, g.id) < ($3, $4)
ORDER BY g.ts DESC, g.id DESC
LIMIT $5;

-- name: signals_by_direction
-- sample: SELECT (SELECT min(id) FROM users), way.direction, way.strength, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50
--   FROM (VALUES ('buy', 0.0::float8), ('sell', 0.0), ('hold', 0.0), ('buy', 0.8), ('sell', 0.8), ('buy', 0.95), ('sell', 0.95)) AS way (direction, strength)
SELECT g.id, g.strategy_id, s.name AS strategy, a.symbol, g.ts, g.direction, g.strength, g.payload
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
JOIN assets a ON a.id = g.asset_id
WHERE (s.is_public OR s.owner_id = $1) AND g.direction = $2 AND g.strength >= $3 AND (g.ts, g.id) < ($4, $5)
ORDER BY g.ts DESC, g.id DESC
LIMIT $6;

-- name: signals_by_tag
-- sample: SELECT (SELECT min(id) FROM users), tag, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50
--   FROM (SELECT tag, row_number() OVER (ORDER BY count(*) DESC, tag) AS rank
--   FROM signals, jsonb_array_elements_text(payload -> 'tags') AS tag GROUP BY tag) ranked WHERE rank <= 12
SELECT g.id, g.strategy_id, s.name AS strategy, a.symbol, g.ts, g.direction, g.strength, g.payload
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
JOIN assets a ON a.id = g.asset_id
WHERE (s.is_public OR s.owner_id = $1) AND g.payload @> jsonb_build_object('tags', jsonb_build_array($2::text)) AND (g.ts, g.id) < ($3, $4)
ORDER BY g.ts DESC, g.id DESC
LIMIT $5;

-- name: signals_strongest
-- sample: SELECT (SELECT min(id) FROM users), days, 10 FROM (VALUES (1), (2), (3), (7), (30)) AS period (days)
SELECT g.id, g.strategy_id, s.name AS strategy, a.symbol, g.ts, g.direction, g.strength, g.payload
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
JOIN assets a ON a.id = g.asset_id
WHERE (s.is_public OR s.owner_id = $1) AND g.direction <> 'hold' AND g.ts > market_now() - make_interval(days => $2)
ORDER BY g.strength DESC, g.id DESC
LIMIT $3;

-- name: signal_one
-- sample: SELECT s.owner_id, g.id FROM signals g JOIN strategies s ON s.id = g.strategy_id ORDER BY g.id DESC LIMIT 20
SELECT g.id, g.strategy_id, s.name AS strategy, a.symbol, g.ts, g.direction, g.strength, g.payload
FROM signals g
JOIN strategies s ON s.id = g.strategy_id
JOIN assets a ON a.id = g.asset_id
WHERE (s.is_public OR s.owner_id = $1) AND g.id = $2;

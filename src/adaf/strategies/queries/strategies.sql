-- Strategies: a public one is seen by everybody, a private one by its owner alone.

-- name: strategies_public
-- sample: SELECT u.id, page.before, 9223372036854775807, 50 FROM (SELECT id FROM users ORDER BY id LIMIT 5) u
--   CROSS JOIN (SELECT timestamptz '9999-01-01 00:00:00+00' AS before UNION ALL SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY updated_at) FROM strategies) page
SELECT s.id, s.name, s.kind, a.symbol, s.timeframe, s.parameters, s.is_public, s.owner_id = $1 AS is_own,
       s.created_at, s.updated_at
FROM strategies s
JOIN assets a ON a.id = s.asset_id
WHERE s.is_public AND (s.updated_at, s.id) < ($2, $3)
ORDER BY s.updated_at DESC, s.id DESC
LIMIT $4;

-- name: strategies_public_by_kind
-- sample: SELECT u.id, k.kind, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (SELECT id FROM users ORDER BY id LIMIT 3) u
--   CROSS JOIN (SELECT DISTINCT kind FROM strategies WHERE is_public) k ORDER BY u.id, k.kind
SELECT s.id, s.name, s.kind, a.symbol, s.timeframe, s.parameters, s.is_public, s.owner_id = $1 AS is_own,
       s.created_at, s.updated_at
FROM strategies s
JOIN assets a ON a.id = s.asset_id
WHERE s.is_public AND s.kind = $2 AND (s.updated_at, s.id) < ($3, $4)
ORDER BY s.updated_at DESC, s.id DESC
LIMIT $5;

-- name: strategies_own
-- sample: SELECT owner_id FROM (SELECT owner_id, row_number() OVER (ORDER BY count(*) DESC, owner_id) AS rank
--   FROM strategies GROUP BY owner_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT s.id, s.name, s.kind, a.symbol, s.timeframe, s.parameters, s.is_public, s.owner_id = $1 AS is_own,
       s.created_at, s.updated_at
FROM strategies s
JOIN assets a ON a.id = s.asset_id
WHERE s.owner_id = $1
ORDER BY s.updated_at DESC, s.id DESC
LIMIT 200;

-- name: strategy_one
-- sample: SELECT id, owner_id FROM (
--   SELECT s.id, s.owner_id, s.is_public, row_number() OVER (ORDER BY s.id) AS rank FROM strategies s WHERE true) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT s.id, s.name, s.kind, a.symbol, s.timeframe, s.parameters, s.is_public, s.owner_id = $2 AS is_own,
       s.created_at, s.updated_at
FROM strategies s
JOIN assets a ON a.id = s.asset_id
WHERE s.id = $1 AND (s.is_public OR s.owner_id = $2);

-- name: strategy_definition
-- sample: SELECT id, owner_id FROM (
--   SELECT s.id, s.owner_id, s.is_public, row_number() OVER (ORDER BY s.id) AS rank FROM strategies s WHERE true) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT s.asset_id, s.kind, s.timeframe, s.parameters
FROM strategies s
WHERE s.id = $1 AND (s.is_public OR s.owner_id = $2);

-- name: strategies_visible
-- sample: SELECT owner_id, array_agg(id ORDER BY id) FROM (SELECT id, owner_id, ntile(10) OVER (ORDER BY id) AS part FROM strategies
--   WHERE is_public ORDER BY id LIMIT 40) s GROUP BY part, owner_id ORDER BY part, owner_id LIMIT 20
SELECT s.id, s.name, s.kind, a.symbol, s.timeframe, s.parameters, s.is_public, s.owner_id = $1 AS is_own,
       s.created_at, s.updated_at
FROM strategies s
JOIN assets a ON a.id = s.asset_id
WHERE s.id = ANY ($2::bigint[]) AND (s.is_public OR s.owner_id = $1)
ORDER BY s.id;

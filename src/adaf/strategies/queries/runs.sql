-- Runs of a strategy: the candles that a run reads, the record that it leaves, and the record's readers.

-- name: strategy_runs_page
-- sample: SELECT id, owner_id, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 20 FROM (
--   SELECT s.id, s.owner_id, s.is_public, row_number() OVER (ORDER BY s.id) AS rank FROM strategies s WHERE EXISTS (SELECT FROM strategy_runs r WHERE r.strategy_id = s.id)) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT r.id, r.status, r.started_at, r.finished_at, r.metrics, r.error, r.requested_by = $2 AS is_own
FROM strategy_runs r
JOIN strategies s ON s.id = r.strategy_id
WHERE r.strategy_id = $1 AND (s.is_public OR s.owner_id = $2) AND (r.started_at, r.id) < ($3, $4)
ORDER BY r.started_at DESC, r.id DESC
LIMIT $5;

-- name: strategy_best_run
-- sample: SELECT id, owner_id FROM (
--   SELECT s.id, s.owner_id, s.is_public, row_number() OVER (ORDER BY s.id) AS rank FROM strategies s WHERE EXISTS (SELECT FROM strategy_runs r WHERE r.strategy_id = s.id)) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT r.id, r.status, r.started_at, r.finished_at, r.metrics, r.error, r.requested_by = $2 AS is_own
FROM strategy_runs r
JOIN strategies s ON s.id = r.strategy_id
WHERE r.strategy_id = $1 AND (s.is_public OR s.owner_id = $2) AND r.status = 'done'
ORDER BY (r.metrics ->> 'sharpe')::float8 DESC NULLS LAST, r.id DESC
LIMIT 1;

-- name: strategy_runs_of_user
-- sample: SELECT requested_by, 20 FROM (SELECT requested_by, row_number() OVER (ORDER BY count(*) DESC, requested_by) AS rank
--   FROM strategy_runs GROUP BY requested_by) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT r.id, s.id AS strategy_id, s.name AS strategy, r.status, r.started_at, r.metrics
FROM strategy_runs r
JOIN strategies s ON s.id = r.strategy_id
WHERE r.requested_by = $1 AND (s.is_public OR s.owner_id = $1)
ORDER BY r.started_at DESC, r.id DESC
LIMIT $2;

-- name: strategy_candles_5m
-- sample: SELECT id, days FROM (SELECT id FROM assets ORDER BY id LIMIT 10) a CROSS JOIN (VALUES (2), (7)) AS period (days)
SELECT c.bucket, c.high, c.low, c.close
FROM candles_5m c
WHERE c.asset_id = $1 AND c.bucket > market_now() - make_interval(days => $2)
ORDER BY c.bucket;

-- name: strategy_candles_1h
-- sample: SELECT id, days FROM (SELECT id FROM assets ORDER BY id LIMIT 10) a CROSS JOIN (VALUES (2), (7)) AS period (days)
SELECT c.bucket, c.high, c.low, c.close
FROM candles_1h c
WHERE c.asset_id = $1 AND c.bucket > market_now() - make_interval(days => $2)
ORDER BY c.bucket;

-- name: strategy_candles_1d
-- sample: SELECT id, days FROM (SELECT id FROM assets ORDER BY id LIMIT 10) a CROSS JOIN (VALUES (2), (7)) AS period (days)
SELECT c.bucket, c.high, c.low, c.close
FROM candles_1d c
WHERE c.asset_id = $1 AND c.bucket > market_now() - make_interval(days => $2)
ORDER BY c.bucket;

-- name: strategy_run_record
INSERT INTO strategy_runs (strategy_id, requested_by, status, started_at, finished_at, metrics, error)
VALUES ($1, $2, $3, market_now(), market_now() + make_interval(secs => $4), $5, $6)
RETURNING id, status, started_at, finished_at, metrics, error, true AS is_own;

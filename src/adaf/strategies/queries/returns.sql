-- Daily returns of strategies: one, several side by side, and the best of all.

-- name: strategy_performance
-- sample: SELECT id, owner_id, (ARRAY[30, 90, 90, 365])[1 + rank % 4] FROM (
--   SELECT s.id, s.owner_id, s.is_public, row_number() OVER (ORDER BY s.id) AS rank FROM strategies s WHERE EXISTS (SELECT FROM strategy_returns r WHERE r.strategy_id = s.id)) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT r.day, r.daily_return, r.equity,
       r.equity / nullif(max(r.equity) OVER by_day, 0) - 1 AS drawdown,
       avg(r.daily_return) OVER week AS average_7d,
       stddev_samp(r.daily_return) OVER month AS volatility_30d
FROM strategy_returns r
JOIN strategies s ON s.id = r.strategy_id
WHERE r.strategy_id = $1 AND (s.is_public OR s.owner_id = $2)
  AND r.day > (market_now() AT TIME ZONE 'UTC')::date - $3::integer
WINDOW by_day AS (ORDER BY r.day),
       week AS (ORDER BY r.day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW),
       month AS (ORDER BY r.day ROWS BETWEEN 29 PRECEDING AND CURRENT ROW)
ORDER BY r.day;

-- name: strategies_compare
-- sample: SELECT array_agg(id ORDER BY id), 0::bigint, 90 FROM (SELECT id, ntile(8) OVER (ORDER BY id) AS part FROM strategies
--   WHERE is_public ORDER BY id LIMIT 32) s GROUP BY part ORDER BY part
SELECT r.strategy_id, r.day, r.daily_return,
       exp(sum(ln(greatest(1 + r.daily_return, 1e-9))) OVER (PARTITION BY r.strategy_id ORDER BY r.day)) - 1
           AS cumulative_return
FROM strategy_returns r
JOIN strategies s ON s.id = r.strategy_id
WHERE r.strategy_id = ANY ($1::bigint[]) AND (s.is_public OR s.owner_id = $2)
  AND r.day > (market_now() AT TIME ZONE 'UTC')::date - $3::integer
ORDER BY r.day, r.strategy_id;

-- name: strategies_leaderboard
-- sample: SELECT days, shown FROM (VALUES (7, 10), (14, 10), (30, 10), (90, 20), (365, 20)) AS period (days, shown)
SELECT s.id, s.name, s.kind, a.symbol, ranking.total_return, ranking.volatility, ranking.sharpe, ranking.day_count
FROM (
    SELECT r.strategy_id,
           exp(sum(ln(greatest(1 + r.daily_return, 1e-9)))) - 1 AS total_return,
           coalesce(stddev_samp(r.daily_return), 0) AS volatility,
           sqrt(365) * avg(r.daily_return) / nullif(stddev_samp(r.daily_return), 0) AS sharpe,
           count(*) AS day_count
    FROM strategy_returns r
    WHERE r.day > (market_now() AT TIME ZONE 'UTC')::date - $1::integer
    GROUP BY r.strategy_id
) ranking
JOIN strategies s ON s.id = ranking.strategy_id
JOIN assets a ON a.id = s.asset_id
WHERE s.is_public
ORDER BY ranking.total_return DESC, s.id
LIMIT $2;

-- name: strategies_leaderboard_by_sharpe
-- sample: SELECT days, shown FROM (VALUES (7, 10), (14, 10), (30, 10), (90, 20), (365, 20)) AS period (days, shown)
SELECT s.id, s.name, s.kind, a.symbol, ranking.total_return, ranking.volatility, ranking.sharpe, ranking.day_count
FROM (
    SELECT r.strategy_id,
           exp(sum(ln(greatest(1 + r.daily_return, 1e-9)))) - 1 AS total_return,
           coalesce(stddev_samp(r.daily_return), 0) AS volatility,
           sqrt(365) * avg(r.daily_return) / nullif(stddev_samp(r.daily_return), 0) AS sharpe,
           count(*) AS day_count
    FROM strategy_returns r
    WHERE r.day > (market_now() AT TIME ZONE 'UTC')::date - $1::integer
    GROUP BY r.strategy_id
) ranking
JOIN strategies s ON s.id = ranking.strategy_id
JOIN assets a ON a.id = s.asset_id
WHERE s.is_public
ORDER BY ranking.sharpe DESC NULLS LAST, s.id
LIMIT $2;

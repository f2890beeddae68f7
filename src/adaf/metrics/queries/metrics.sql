-- name: metrics_market_lag
-- sample: SELECT FROM generate_series(1, 5)
SELECT extract(epoch FROM clock_timestamp() - market_now())::float8;

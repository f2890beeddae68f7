-- name: database_health
-- sample: SELECT FROM generate_series(1, 5)
SELECT market_now();

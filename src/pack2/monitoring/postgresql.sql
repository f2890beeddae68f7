-- Rows (metric, label, value) of the current database and its server; pg_monitor's rights are not needed.
WITH states AS (
    SELECT coalesce(state, 'other') AS state, count(*) AS number FROM pg_stat_activity GROUP BY 1
), own AS (
    SELECT * FROM pg_stat_database WHERE datname = current_database()
), tables AS (
    SELECT coalesce(sum(n_dead_tup), 0) AS dead, coalesce(sum(n_live_tup), 0) AS live FROM pg_stat_user_tables
)
SELECT 'pack2_postgresql_connections' AS metric, known.state AS label,
       coalesce((SELECT number FROM states WHERE states.state = known.state), 0)::float8 AS value
FROM (VALUES ('active'), ('idle'), ('idle in transaction'), ('other')) AS known (state)
UNION ALL SELECT 'pack2_postgresql_connections_limit', NULL, current_setting('max_connections')::float8
UNION ALL SELECT 'pack2_postgresql_database_bytes', NULL, pg_database_size(current_database())::float8
UNION ALL SELECT 'pack2_postgresql_oldest_transaction_seconds', NULL,
       coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float8
FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'
UNION ALL SELECT 'pack2_postgresql_dead_rows', NULL, dead::float8 FROM tables
UNION ALL SELECT 'pack2_postgresql_live_rows', NULL, live::float8 FROM tables
UNION ALL SELECT 'pack2_postgresql_blocks_total', 'memory', blks_hit::float8 FROM own
UNION ALL SELECT 'pack2_postgresql_blocks_total', 'read', blks_read::float8 FROM own
UNION ALL SELECT 'pack2_postgresql_transactions_total', 'commit', xact_commit::float8 FROM own
UNION ALL SELECT 'pack2_postgresql_transactions_total', 'rollback', xact_rollback::float8 FROM own
UNION ALL SELECT 'pack2_postgresql_deadlocks_total', NULL, deadlocks::float8 FROM own
UNION ALL SELECT 'pack2_postgresql_temporary_bytes_total', NULL, temp_bytes::float8 FROM own

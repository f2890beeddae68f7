-- What a database's maintenance should do, most urgent first: (kind, object, evidence, statement, wasted_bytes).
-- Nothing here changes anything. An index's ideal size counts its entries at their mean width in pages filled to 90 %
-- (PostgreSQL's default); duplicates need less than that, so bloat is told too rarely rather than too often.
WITH own AS (
    SELECT c.oid, c.relkind, c.relpages, c.reltuples, c.relallvisible, c.relfrozenxid, c.relam,
           quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name, n.nspname, c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND NOT starts_with(n.nspname, 'pg_temp')
      AND c.relpersistence <> 't'
), invalid AS (
    SELECT 1 AS rank, 'invalid index' AS kind, i.name AS object,
           CASE WHEN i.relname ~ '_cc(new|old)\d*$' THEN 'left by a REINDEX CONCURRENTLY that was stopped'
                ELSE 'its build was stopped; writers keep it up, no query may use it' END AS evidence,
           CASE WHEN i.relname ~ '_cc(new|old)\d*$' THEN 'DROP INDEX CONCURRENTLY IF EXISTS ' || i.name
                ELSE 'REINDEX INDEX CONCURRENTLY ' || i.name END AS statement,
           pg_relation_size(i.oid) AS wasted_bytes
    FROM own i JOIN pg_index x ON x.indexrelid = i.oid
    WHERE i.relkind = 'i' AND NOT x.indisvalid
      AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.oid OR p.relid = x.indrelid)
), old AS (
    SELECT 2, 'old transactions', t.name,
           format('%s transactions old; from %s on autovacuum must stop other work', age(t.relfrozenxid), s.setting),
           'VACUUM (FREEZE, ANALYZE) ' || t.name, 0::bigint
    FROM own t JOIN pg_settings s ON s.name = 'autovacuum_freeze_max_age'
    WHERE t.relkind IN ('r', 'm') AND age(t.relfrozenxid) > 0.75 * s.setting::bigint
), dead AS (
    SELECT 3, 'dead rows', t.name,
           format('%s dead beside %s live rows', s.n_dead_tup, s.n_live_tup), 'VACUUM (ANALYZE) ' || t.name,
           (pg_relation_size(t.oid) * s.n_dead_tup / greatest(s.n_dead_tup + s.n_live_tup, 1))::bigint
    FROM own t JOIN pg_stat_user_tables s ON s.relid = t.oid
    WHERE t.relkind IN ('r', 'm') AND s.n_dead_tup > 1000 + 0.1 * s.n_live_tup
), hidden AS (
    SELECT 4, 'no visibility map', t.name,
           format('%s of %s pages are known to be visible to all: index-only scans read the others',
                  t.relallvisible, pg_relation_size(t.oid) / 8192),
           'VACUUM (ANALYZE) ' || t.name, 0::bigint
    FROM own t
    WHERE t.relkind IN ('r', 'm') AND pg_relation_size(t.oid) > 100 * 8192
      AND t.relallvisible < 0.5 * pg_relation_size(t.oid) / 8192 AND t.name NOT IN (SELECT name FROM dead)
), stale AS (
    SELECT 5, 'stale statistics', t.name,
           CASE WHEN t.reltuples < 0 THEN 'never analysed'
                ELSE format('%s changes since the last ANALYZE of about %s rows', s.n_mod_since_analyze, t.reltuples) END,
           'ANALYZE ' || t.name, 0::bigint
    FROM own t JOIN pg_stat_user_tables s ON s.relid = t.oid
    WHERE t.relkind IN ('r', 'm') AND (t.reltuples < 0 AND pg_relation_size(t.oid) > 0
          OR s.n_mod_since_analyze > 50 + 0.1 * greatest(t.reltuples, 0))
      AND t.name NOT IN (SELECT name FROM dead UNION ALL SELECT name FROM hidden)
), parent AS (  -- autovacuum never analyses a partitioned table as a whole
    SELECT 6, 'stale statistics', t.name, 'partitioned: autovacuum leaves it out; ' ||
           CASE WHEN p.last_analyze IS NULL THEN 'never analysed' ELSE 'its parts were analysed since' END,
           'ANALYZE ' || t.name, 0::bigint
    FROM own t LEFT JOIN pg_stat_user_tables p ON p.relid = t.oid
    WHERE t.relkind = 'p' AND EXISTS (
        SELECT FROM pg_partition_tree(t.oid) tree JOIN pg_stat_user_tables s ON s.relid = tree.relid
        WHERE tree.isleaf AND pg_relation_size(tree.relid) > 0 AND (p.last_analyze IS NULL
              OR greatest(s.last_analyze, s.last_autoanalyze) > p.last_analyze + interval '1 day'))
), width AS (
    SELECT i.oid, i.name, i.reltuples, pg_relation_size(i.oid) AS bytes,
           sum(st.avg_width) AS width, count(*) = count(st.avg_width) AS is_known
    FROM own i JOIN pg_index x ON x.indexrelid = i.oid JOIN pg_am m ON m.oid = i.relam AND m.amname = 'btree'
    JOIN own t ON t.oid = x.indrelid
    JOIN pg_attribute a ON a.attrelid = i.oid
    LEFT JOIN pg_attribute ta ON ta.attrelid = t.oid AND ta.attnum = x.indkey[a.attnum - 1] AND ta.attnum > 0
    LEFT JOIN pg_stats st ON st.schemaname = t.nspname AND NOT st.inherited
         AND st.tablename = coalesce(nullif(t.relname, CASE WHEN ta.attnum IS NULL THEN t.relname END), i.relname)
         AND st.attname = coalesce(ta.attname, a.attname)
    WHERE i.relkind = 'i' AND x.indisvalid AND i.reltuples > 0 AND pg_relation_size(i.oid) >= 1024 * 1024
    GROUP BY i.oid, i.name, i.reltuples
), ideal AS (
    SELECT w.*, 8192 * (1 + ceil(w.reltuples / floor((8192 - 40) * 0.9 / (12 + 8 * ceil(w.width / 8.0)))))::bigint AS ideal_bytes
    FROM width w WHERE w.is_known AND w.width < 2000
), bloated AS (
    SELECT 7, 'bloated index', w.name,
           format('%s kB where about %s kB would do', w.bytes / 1024, w.ideal_bytes / 1024),
           'REINDEX INDEX CONCURRENTLY ' || w.name, w.bytes - w.ideal_bytes
    FROM ideal w WHERE w.bytes > 1.6 * w.ideal_bytes
)
SELECT kind, object, evidence, statement, wasted_bytes FROM (
    SELECT * FROM invalid UNION ALL SELECT * FROM old UNION ALL SELECT * FROM dead UNION ALL SELECT * FROM hidden
    UNION ALL SELECT * FROM stale UNION ALL SELECT * FROM parent UNION ALL SELECT * FROM bloated
) found ORDER BY rank, wasted_bytes DESC, object

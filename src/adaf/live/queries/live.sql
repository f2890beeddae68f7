-- name: live_sessions
-- sample: SELECT array_agg(token_hash ORDER BY id) FROM sessions WHERE id <= 100 GROUP BY id % 5 ORDER BY id % 5
SELECT token_hash
FROM sessions
WHERE token_hash = ANY ($1::bytea[]) AND expires_at > now();

-- name: live_owners
-- sample: SELECT ARRAY [n, n + 1], ARRAY [n, n + 1] FROM generate_series(1, 20) AS n
SELECT 'portfolio:' || id AS tag, owner_id
FROM portfolios
WHERE id = ANY ($1::bigint[])
UNION ALL
SELECT 'strategy:' || id, CASE WHEN is_public THEN 0 ELSE owner_id END  -- 0: everybody
FROM strategies
WHERE id = ANY ($2::bigint[]);

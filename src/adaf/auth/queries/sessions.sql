-- name: session_identity
-- sample: SELECT token_hash FROM sessions ORDER BY id LIMIT 20
SELECT u.id AS user_id, u.role, s.expires_at
FROM sessions s
JOIN users u ON u.id = s.user_id
WHERE s.token_hash = $1 AND s.expires_at > now();

-- name: session_identity_with_group
-- sample: SELECT token_hash FROM sessions ORDER BY id LIMIT 20
SELECT u.id AS user_id, u.role, s.expires_at,
       EXISTS (SELECT FROM strategies o WHERE o.owner_id = u.id) AS has_strategies
FROM sessions s
JOIN users u ON u.id = s.user_id
WHERE s.token_hash = $1 AND s.expires_at > now();

-- name: session_insert
INSERT INTO sessions (token_hash, user_id, expires_at)
VALUES ($1, $2, now() + make_interval(secs => $3))
RETURNING expires_at;

-- name: session_delete
WITH ended AS (DELETE FROM sessions WHERE token_hash = $1 RETURNING user_id)
SELECT pg_notify($2, 'session:' || user_id) FROM ended;

-- name: sessions_purge_expired
DELETE FROM sessions WHERE user_id = $1 AND expires_at <= now();

-- name: sessions_of_user
-- sample: SELECT DISTINCT user_id FROM sessions ORDER BY user_id LIMIT 20
SELECT id, created_at, expires_at
FROM sessions
WHERE user_id = $1 AND expires_at > now()
ORDER BY created_at DESC
LIMIT 50;

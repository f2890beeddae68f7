-- name: audit_insert
INSERT INTO audit_log (user_id, action, subject, details) VALUES ($1, $2, $3, $4);

-- name: recent_sign_ins
-- sample: SELECT DISTINCT user_id, 5 FROM audit_log WHERE action = 'sign-in' ORDER BY user_id LIMIT 20
SELECT ts, details ->> 'address' AS address
FROM audit_log
WHERE user_id = $1 AND action = 'sign-in'
ORDER BY ts DESC
LIMIT $2;

-- name: recent_sign_ins
-- sample: SELECT DISTINCT user_id, 5 FROM audit_log WHERE action = 'auth.sign_in' ORDER BY user_id LIMIT 20
SELECT ts, details ->> 'address' AS address
FROM audit_log
WHERE user_id = $1 AND action = 'auth.sign_in'
ORDER BY ts DESC
LIMIT $2;

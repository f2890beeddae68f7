-- The audit log for operators, newest first; keyset on (ts, id).

-- name: audit_recent
-- sample: SELECT (SELECT max(ts) FROM audit_log) - make_interval(hours => age), 9223372036854775807, 50 FROM generate_series(-1, 100, 20) AS age
SELECT l.id, l.user_id, u.email, l.ts, l.action, l.subject, l.details
FROM audit_log l
LEFT JOIN users u ON u.id = l.user_id
WHERE (l.ts, l.id) < ($1, $2)
ORDER BY l.ts DESC, l.id DESC
LIMIT $3;

-- name: audit_by_user
-- sample: SELECT user_id, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (SELECT user_id, row_number() OVER (ORDER BY count(*) DESC, user_id) AS rank FROM audit_log WHERE user_id IS NOT NULL GROUP BY user_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT l.id, l.user_id, u.email, l.ts, l.action, l.subject, l.details
FROM audit_log l
LEFT JOIN users u ON u.id = l.user_id
WHERE l.user_id = $1 AND (l.ts, l.id) < ($2, $3)
ORDER BY l.ts DESC, l.id DESC
LIMIT $4;

-- name: audit_by_action
-- sample: SELECT pattern, before, 9223372036854775807, 50 FROM (SELECT DISTINCT split_part(action, '.', 1) || '%' AS pattern FROM audit_log ORDER BY 1 LIMIT 10) actions
--   CROSS JOIN (SELECT timestamptz '9999-01-01 00:00:00+00' AS before UNION ALL SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY ts) FROM audit_log) page
SELECT l.id, l.user_id, u.email, l.ts, l.action, l.subject, l.details
FROM audit_log l
LEFT JOIN users u ON u.id = l.user_id
WHERE l.action LIKE $1 AND (l.ts, l.id) < ($2, $3)
ORDER BY l.ts DESC, l.id DESC
LIMIT $4;

-- name: audit_by_user_and_action
-- sample: SELECT user_id, pattern, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (SELECT user_id, row_number() OVER (ORDER BY count(*) DESC, user_id) AS rank FROM audit_log WHERE user_id IS NOT NULL GROUP BY user_id) ranked
--   CROSS JOIN (SELECT DISTINCT split_part(action, '.', 1) || '%' AS pattern FROM audit_log ORDER BY 1 LIMIT 4) actions WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT l.id, l.user_id, u.email, l.ts, l.action, l.subject, l.details
FROM audit_log l
LEFT JOIN users u ON u.id = l.user_id
WHERE l.user_id = $1 AND l.action LIKE $2 AND (l.ts, l.id) < ($3, $4)
ORDER BY l.ts DESC, l.id DESC
LIMIT $5;

-- name: audit_by_subject
-- sample: SELECT subject, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (SELECT subject, row_number() OVER (ORDER BY count(*) DESC, subject) AS rank
--   FROM audit_log GROUP BY subject) ranked WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT l.id, l.user_id, u.email, l.ts, l.action, l.subject, l.details
FROM audit_log l
LEFT JOIN users u ON u.id = l.user_id
WHERE l.subject = $1 AND (l.ts, l.id) < ($2, $3)
ORDER BY l.ts DESC, l.id DESC
LIMIT $4;

-- name: audit_record
INSERT INTO audit_log (user_id, action, subject, details) VALUES ($1, $2, $3, $4);

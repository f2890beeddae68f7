-- A user's own alerts, newest first; keyset on (triggered_at, id).

-- name: alerts_page
-- sample: SELECT user_id, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (SELECT user_id, row_number() OVER (ORDER BY count(*) DESC, user_id) AS rank
--   FROM alerts GROUP BY user_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT l.id, l.kind, a.symbol, l.threshold, l.message, l.is_read, l.triggered_at
FROM alerts l
JOIN assets a ON a.id = l.asset_id
WHERE l.user_id = $1 AND (l.triggered_at, l.id) < ($2, $3)
ORDER BY l.triggered_at DESC, l.id DESC
LIMIT $4;

-- name: alerts_of_asset
-- sample: SELECT user_id, symbol, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 50 FROM (SELECT l.user_id, a.symbol, row_number() OVER (ORDER BY count(*) DESC, l.user_id, a.symbol) AS rank
--   FROM alerts l JOIN assets a ON a.id = l.asset_id GROUP BY l.user_id, a.symbol) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT l.id, l.kind, a.symbol, l.threshold, l.message, l.is_read, l.triggered_at
FROM alerts l
JOIN assets a ON a.id = l.asset_id
WHERE l.user_id = $1 AND l.asset_id = (SELECT id FROM assets WHERE symbol = $2)
    AND (l.triggered_at, l.id) < ($3, $4)
ORDER BY l.triggered_at DESC, l.id DESC
LIMIT $5;

-- name: alerts_unread_page
-- sample: SELECT user_id, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 20 FROM (SELECT user_id, row_number() OVER (ORDER BY count(*) DESC, user_id) AS rank
--   FROM alerts WHERE NOT is_read GROUP BY user_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT l.id, l.kind, a.symbol, l.threshold, l.message, l.is_read, l.triggered_at
FROM alerts l
JOIN assets a ON a.id = l.asset_id
WHERE l.user_id = $1 AND NOT l.is_read AND (l.triggered_at, l.id) < ($2, $3)
ORDER BY l.triggered_at DESC, l.id DESC
LIMIT $4;

-- name: alerts_count_by_kind
-- sample: SELECT user_id FROM (SELECT user_id, row_number() OVER (ORDER BY count(*) DESC, user_id) AS rank
--   FROM alerts GROUP BY user_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT l.kind, count(*) AS total_count, count(*) FILTER (WHERE NOT l.is_read) AS unread_count
FROM alerts l
WHERE l.user_id = $1
GROUP BY l.kind
ORDER BY l.kind;

-- name: alerts_unread_count
-- sample: SELECT user_id FROM (SELECT user_id, row_number() OVER (ORDER BY count(*) DESC, user_id) AS rank
--   FROM alerts GROUP BY user_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT count(*) FROM alerts l WHERE l.user_id = $1 AND NOT l.is_read;

-- name: alert_mark_read
UPDATE alerts SET is_read = true WHERE id = $1 AND user_id = $2 RETURNING id;

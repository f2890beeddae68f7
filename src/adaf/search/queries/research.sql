-- Research notes, newest first; keyset on (published_at, id).

-- name: research_recent
-- sample: SELECT market_now() - make_interval(days => age), 9223372036854775807, 20 FROM generate_series(-1, 60, 10) AS age
SELECT n.id, a.symbol, u.name AS author, n.author_id, n.title, n.body, n.tags, n.published_at
FROM research_notes n
JOIN assets a ON a.id = n.asset_id
JOIN users u ON u.id = n.author_id
WHERE (n.published_at, n.id) < ($1, $2)
ORDER BY n.published_at DESC, n.id DESC
LIMIT $3;

-- name: research_by_symbol
-- sample: SELECT symbol, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 20 FROM (
--   SELECT a.symbol, row_number() OVER (ORDER BY count(*) DESC, a.symbol) AS rank
--   FROM research_notes n JOIN assets a ON a.id = n.asset_id GROUP BY a.symbol) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT n.id, a.symbol, u.name AS author, n.author_id, n.title, n.body, n.tags, n.published_at
FROM research_notes n
JOIN assets a ON a.id = n.asset_id
JOIN users u ON u.id = n.author_id
WHERE a.symbol = $1 AND (n.published_at, n.id) < ($2, $3)
ORDER BY n.published_at DESC, n.id DESC
LIMIT $4;

-- name: research_by_tag
-- sample: SELECT tag, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 20 FROM (
--   SELECT tag, row_number() OVER (ORDER BY count(*) DESC, tag) AS rank FROM research_notes, unnest(tags) AS tag GROUP BY tag) ranked
--   WHERE rank <= 15
SELECT n.id, a.symbol, u.name AS author, n.author_id, n.title, n.body, n.tags, n.published_at
FROM research_notes n
JOIN assets a ON a.id = n.asset_id
JOIN users u ON u.id = n.author_id
WHERE n.tags @> ARRAY[$1::text] AND (n.published_at, n.id) < ($2, $3)
ORDER BY n.published_at DESC, n.id DESC
LIMIT $4;

-- name: research_by_author
-- sample: SELECT author_id, timestamptz '9999-01-01 00:00:00+00', 9223372036854775807, 20 FROM (
--   SELECT author_id, row_number() OVER (ORDER BY count(*) DESC, author_id) AS rank FROM research_notes GROUP BY author_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT n.id, a.symbol, u.name AS author, n.author_id, n.title, n.body, n.tags, n.published_at
FROM research_notes n
JOIN assets a ON a.id = n.asset_id
JOIN users u ON u.id = n.author_id
WHERE n.author_id = $1 AND (n.published_at, n.id) < ($2, $3)
ORDER BY n.published_at DESC, n.id DESC
LIMIT $4;

-- name: research_one
-- sample: SELECT id FROM research_notes ORDER BY id DESC LIMIT 20
SELECT n.id, a.symbol, u.name AS author, n.author_id, n.title, n.body, n.tags, n.published_at
FROM research_notes n
JOIN assets a ON a.id = n.asset_id
JOIN users u ON u.id = n.author_id
WHERE n.id = $1;

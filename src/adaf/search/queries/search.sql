-- Search over notes (full text, ranked) and over names: trigram similarity for slips of the pen, prefix for the start.

-- name: search_notes
-- sample: SELECT word, 20 FROM (SELECT word, row_number() OVER (ORDER BY count(*) DESC, word) AS rank
--   FROM (SELECT DISTINCT id, lower(word) AS word FROM research_notes, regexp_split_to_table(title, '[^A-Za-z]+') AS word
--   WHERE length(word) > 3) words GROUP BY word) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT n.id, a.symbol, n.title,
       ts_headline('english', n.body, websearch_to_tsquery('english', $1),
                   'MaxFragments=1, MaxWords=24, MinWords=8, StartSel="' || chr(2) || '", StopSel="' || chr(3) || '"')
           AS headline,
       ts_rank(n.search, websearch_to_tsquery('english', $1))::float8 AS score, n.published_at
FROM research_notes n
JOIN assets a ON a.id = n.asset_id
WHERE n.search @@ websearch_to_tsquery('english', $1)
ORDER BY score DESC, n.published_at DESC, n.id
LIMIT $2;

-- name: search_assets
-- sample: SELECT term, term || '%', 10 FROM (SELECT left(lower(name), 4) AS term FROM assets ORDER BY id LIMIT 10) t
--   UNION (SELECT lower(symbol), lower(symbol) || '%', 10 FROM assets ORDER BY id LIMIT 10)
SELECT a.symbol, a.name, a.category,
       greatest(similarity(lower(a.symbol), $1), similarity(lower(a.name), $1))::float8 AS score
FROM assets a
WHERE lower(a.symbol) LIKE $2 OR lower(a.name) LIKE $2 OR lower(a.name) % $1
ORDER BY lower(a.symbol) = $1 DESC, score DESC, a.symbol
LIMIT $3;

-- name: search_portfolios
-- sample: SELECT DISTINCT owner_id, '%' || left(lower(name), 4) || '%', 10 FROM (SELECT * FROM portfolios ORDER BY id LIMIT 25) p
SELECT p.id, p.name, p.is_archived
FROM portfolios p
WHERE p.owner_id = $1 AND lower(p.name) LIKE $2
ORDER BY p.is_archived, p.name, p.id
LIMIT $3;

-- name: search_strategies
-- sample: SELECT DISTINCT owner_id, '%' || left(lower(name), 5) || '%', 10 FROM (SELECT * FROM strategies ORDER BY id LIMIT 25) s
SELECT s.id, s.name, s.kind, a.symbol, s.owner_id = $1 AS is_own
FROM strategies s
JOIN assets a ON a.id = s.asset_id
WHERE (s.is_public OR s.owner_id = $1) AND lower(s.name) LIKE $2
ORDER BY s.owner_id = $1 DESC, s.name, s.id
LIMIT $3;

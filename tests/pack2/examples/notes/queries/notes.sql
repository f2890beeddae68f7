-- name: notes_of_owner
-- sample: SELECT n FROM generate_series(1, 20) n
SELECT id, body FROM notes WHERE owner = $1 ORDER BY id;

-- name: note
-- sample: SELECT id FROM notes ORDER BY id LIMIT 10
SELECT body FROM notes WHERE id = $1;

-- name: add_note
INSERT INTO notes (owner, body) VALUES ($1, $2) RETURNING id;

-- serves: notes_of_owner
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_notes_owner ON notes (owner, id);

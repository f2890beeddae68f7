-- Reports by their owner, newest first; keyset on id. What the worker reads asks for the owner too.

-- name: reports_page
-- sample: SELECT owner_id, 9223372036854775807, 20 FROM (SELECT owner_id, row_number() OVER (ORDER BY count(*) DESC, owner_id) AS rank
--   FROM reports GROUP BY owner_id) ranked
--   WHERE rank IN (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987)
SELECT r.id, r.kind, r.parameters->>'format' AS format, p.id AS portfolio_id, p.name AS portfolio,
       (r.parameters->>'since')::date AS since, (r.parameters->>'until')::date AS until,
       r.status, r.progress_percent, r.error, r.created_at, r.finished_at, octet_length(f.content) AS file_bytes
FROM reports r
JOIN portfolios p ON p.id = (r.parameters->>'portfolio_id')::bigint
LEFT JOIN report_files f ON f.report_id = r.id
WHERE r.owner_id = $1 AND r.id < $2
ORDER BY r.id DESC
LIMIT $3;

-- name: report_one
-- sample: SELECT id, owner_id FROM reports ORDER BY id LIMIT 15
SELECT r.id, r.kind, r.parameters->>'format' AS format, p.id AS portfolio_id, p.name AS portfolio,
       (r.parameters->>'since')::date AS since, (r.parameters->>'until')::date AS until,
       r.status, r.progress_percent, r.error, r.created_at, r.finished_at, octet_length(f.content) AS file_bytes
FROM reports r
JOIN portfolios p ON p.id = (r.parameters->>'portfolio_id')::bigint
LEFT JOIN report_files f ON f.report_id = r.id
WHERE r.id = $1 AND r.owner_id = $2;

-- name: report_content
-- Locked against a clean-up while it is read.
SELECT f.content
FROM report_files f
JOIN reports r ON r.id = f.report_id
WHERE r.id = $1 AND r.owner_id = $2
FOR SHARE OF f;

-- name: report_lock_owner
-- One request of an owner at a time: equal requests find each other, and the limits hold.
SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE;

-- name: report_waiting
-- sample: SELECT DISTINCT owner_id FROM reports ORDER BY owner_id LIMIT 15
SELECT count(*) FROM reports WHERE owner_id = $1 AND status IN ('queued', 'running');

-- name: report_equal_waiting
-- Locked: the answer is true until the request that asks has ended.
SELECT id FROM reports
WHERE owner_id = $1 AND kind = $2 AND parameters = $3 AND status = 'queued'
ORDER BY id DESC LIMIT 1
FOR NO KEY UPDATE;

-- name: report_request
-- The report and its job, in one statement: neither exists without the other.
WITH made AS (
    INSERT INTO reports (owner_id, kind, status, parameters, created_at)
    VALUES ($1, $2, 'queued', $3, now())
    RETURNING id
)
SELECT made.id
FROM made
CROSS JOIN LATERAL unnest(procrastinate.procrastinate_defer_jobs_v1(ARRAY[ROW(
    'reports', 'adaf.reports.make', 0, 'report:' || made.id, 'report:' || made.id,
    jsonb_build_object('report_id', made.id), NULL
)::procrastinate.procrastinate_job_to_defer_v1])) AS job;

-- name: report_forget_oldest_files
-- Keeps the newest files of an owner, $2 of them.
DELETE FROM report_files f
USING (
    SELECT kept.report_id FROM report_files kept
    JOIN reports r ON r.id = kept.report_id
    WHERE r.owner_id = $1
    ORDER BY kept.report_id DESC OFFSET $2
) old
WHERE f.report_id = old.report_id;

-- name: report_delete
DELETE FROM reports WHERE id = $1 AND owner_id = $2 RETURNING id;

-- name: report_start
UPDATE reports SET status = 'running', progress_percent = 5
WHERE id = $1 AND status IN ('queued', 'running')
RETURNING id, owner_id, kind, parameters->>'format' AS format, (parameters->>'portfolio_id')::bigint AS portfolio_id,
          (parameters->>'since')::date AS since, (parameters->>'until')::date AS until;

-- name: report_progress
UPDATE reports SET progress_percent = $2 WHERE id = $1 AND status = 'running';

-- name: report_finish
-- Only the first of two runs finds the report unfinished, so a report gets one file.
WITH finished AS (
    UPDATE reports SET status = 'done', progress_percent = 100, error = NULL, finished_at = now()
    WHERE id = $1 AND status = 'running'
    RETURNING id
)
INSERT INTO report_files (report_id, content) SELECT id, $2 FROM finished RETURNING report_id;

-- name: report_fail
UPDATE reports SET status = 'failed', error = $2, finished_at = now()
WHERE id = $1 AND status IN ('queued', 'running');

-- name: report_clean_files
DELETE FROM report_files WHERE stored_at < now() - make_interval(days => $1);

-- name: report_fail_abandoned
-- Reports that wait without a job: somebody emptied the queue.
UPDATE reports r SET status = 'failed', error = 'Its job was lost; ask for it again.', finished_at = now()
WHERE r.status IN ('queued', 'running') AND r.created_at < now() - interval '1 hour'
  AND NOT EXISTS (SELECT FROM procrastinate.procrastinate_jobs j WHERE j.lock = 'report:' || r.id);

-- name: report_account
-- sample: SELECT id, owner_id, timestamptz '2026-09-30 12:00:00+00' FROM portfolios ORDER BY id LIMIT 15
SELECT u.name AS owner, p.name AS portfolio, p.base_currency AS currency, closing.ts AS closed_at, closing.cash, closing.nav
FROM portfolios p
JOIN users u ON u.id = p.owner_id
LEFT JOIN LATERAL (
    SELECT d.ts, d.cash, d.nav FROM portfolio_data d
    WHERE d.portfolio_id = p.id AND d.ts <= $3 ORDER BY d.ts DESC LIMIT 1
) closing ON true
WHERE p.id = $1 AND p.owner_id = $2;

-- name: report_holdings
-- sample: SELECT p.id, p.owner_id, max(d.ts) FROM portfolios p JOIN portfolio_data d ON d.portfolio_id = p.id
--   WHERE p.id <= 15 GROUP BY p.id, p.owner_id
-- Quantities of now less what was traded since; prices of the last bar that had ended then.
SELECT a.symbol, a.name, a.category, held.quantity, bar.close::numeric AS price,
       round(held.quantity * bar.close::numeric, 2) AS value
FROM (
    SELECT asset_id, sum(quantity) AS quantity
    FROM (
        SELECT h.asset_id, h.quantity FROM positions h
        JOIN portfolios p ON p.id = h.portfolio_id
        WHERE h.portfolio_id = $1 AND p.owner_id = $2
        UNION ALL
        SELECT t.asset_id, CASE t.side WHEN 'buy' THEN -t.quantity ELSE t.quantity END FROM transactions t
        JOIN portfolios p ON p.id = t.portfolio_id
        WHERE t.portfolio_id = $1 AND p.owner_id = $2 AND t.executed_at > $3
    ) moves
    GROUP BY asset_id
    HAVING sum(quantity) > 0
) held
JOIN assets a ON a.id = held.asset_id
CROSS JOIN LATERAL (
    SELECT m.close FROM market_data m
    WHERE m.asset_id = held.asset_id AND m.ts <= $3 - interval '1 minute' ORDER BY m.ts DESC LIMIT 1
) bar
ORDER BY value DESC, a.symbol;

-- name: report_days
-- sample: SELECT id, owner_id, timestamptz '2026-09-01 00:00:00+00', timestamptz '2026-10-02 00:00:00+00'
--   FROM portfolios ORDER BY id LIMIT 15
-- A value struck at midnight closes the day before; the first value, which opens the period, is the last one before it.
SELECT DISTINCT ON (((d.ts - interval '1 microsecond') AT TIME ZONE 'UTC')::date)
       ((d.ts - interval '1 microsecond') AT TIME ZONE 'UTC')::date AS day, d.nav, d.cash
FROM portfolio_data d
JOIN portfolios p ON p.id = d.portfolio_id
WHERE d.portfolio_id = $1 AND p.owner_id = $2 AND d.ts <= $4
  AND d.ts >= coalesce((SELECT max(o.ts) FROM portfolio_data o WHERE o.portfolio_id = $1 AND o.ts <= $3), $3)
ORDER BY ((d.ts - interval '1 microsecond') AT TIME ZONE 'UTC')::date, d.ts DESC;

-- name: report_trades
-- sample: SELECT id, owner_id, timestamptz '2026-09-01 00:00:00+00', timestamptz '2026-10-02 00:00:00+00', 100
--   FROM portfolios ORDER BY id LIMIT 15
SELECT t.executed_at, t.side, a.symbol, t.quantity, t.price, round(t.quantity * t.price, 2) AS value, t.fee, t.note
FROM transactions t
JOIN portfolios p ON p.id = t.portfolio_id
JOIN assets a ON a.id = t.asset_id
WHERE t.portfolio_id = $1 AND p.owner_id = $2 AND t.executed_at >= $3 AND t.executed_at < $4
ORDER BY t.executed_at, t.id
LIMIT $5;

-- name: report_clock
-- sample: SELECT
SELECT coalesce(market_now(), now());

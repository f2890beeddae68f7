-- Who may still see rows that a VACUUM would take, and did so before %(since)s: the oldest, in words.
SELECT held_by FROM (
    SELECT format('process %%s (%%s)', pid, coalesce(nullif(application_name, ''), 'no application name')) AS held_by,
           age(backend_xmin) AS age
    FROM pg_stat_activity
    WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
      AND xact_start < %(since)s
    UNION ALL
    SELECT format('the prepared transaction %%s', gid), age(transaction)
    FROM pg_prepared_xacts WHERE database = current_database() AND prepared < %(since)s
    UNION ALL
    SELECT format('the replication slot %%s', slot_name), age(xmin)
    FROM pg_replication_slots WHERE xmin IS NOT NULL
) holders
ORDER BY age DESC LIMIT 1

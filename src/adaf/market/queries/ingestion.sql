-- name: asset_ids
-- sample: SELECT array_agg(symbol ORDER BY symbol) FROM assets GROUP BY id % 5 ORDER BY id % 5
SELECT symbol, id FROM assets WHERE symbol = ANY ($1::text[]);

-- name: bars_upsert
INSERT INTO market_data (asset_id, ts, open, high, low, close, volume)
SELECT asset_id, ts, open, high, low, close, volume
FROM unnest($1::int[], $2::timestamptz[], $3::float8[], $4::float8[], $5::float8[], $6::float8[], $7::float8[])
     AS bar (asset_id, ts, open, high, low, close, volume)
ON CONFLICT (asset_id, ts) DO UPDATE
SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume;

-- name: quotes_refresh
UPDATE quotes q
SET ts = bar.ts + interval '1 minute',                    -- the price is known when the bar ends
    price = bar.close,
    bid = bar.close * q.bid / q.price,
    ask = bar.close * q.ask / q.price,
    volume_24h = day.volume,
    price_24h_ago = day.first_open
FROM unnest($1::int[]) AS asset (id)
CROSS JOIN LATERAL (
    SELECT m.ts, m.close FROM market_data m WHERE m.asset_id = asset.id ORDER BY m.ts DESC LIMIT 1
) AS bar
CROSS JOIN LATERAL (
    SELECT sum(m.volume) AS volume, (array_agg(m.open ORDER BY m.ts))[1] AS first_open
    FROM market_data m
    WHERE m.asset_id = asset.id AND m.ts > bar.ts - interval '24 hours' AND m.ts <= bar.ts
) AS day
WHERE q.asset_id = asset.id;

-- name: market_announce
SELECT pg_notify($1, $2);

-- name: import_asset
INSERT INTO assets (symbol, name, category, description, listed_at)
VALUES ($1, $1, 'Imported', 'Bars of ' || $1 || ' imported from a file.', $2)
ON CONFLICT (symbol) DO UPDATE SET symbol = excluded.symbol
RETURNING id;

-- name: import_first_quote
INSERT INTO quotes (asset_id, ts, price, bid, ask, volume_24h, price_24h_ago)
SELECT asset_id, ts, close, close, close, volume, open
FROM market_data
WHERE asset_id = $1
ORDER BY ts DESC
LIMIT 1
ON CONFLICT (asset_id) DO NOTHING;

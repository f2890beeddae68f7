-- The market's clock: the latest quote. Reads ask it and never now(), so that historical data behaves like live data.
CREATE FUNCTION market_now() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT max(ts) FROM quotes);

-- Candles by timeframe, aggregated from 1-minute bars; `bucket` is the candle's start (UTC).
CREATE VIEW candles_5m AS
SELECT asset_id,
       date_bin('5 minutes', ts, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       (array_agg(open ORDER BY ts))[1] AS open,
       max(high) AS high,
       min(low) AS low,
       (array_agg(close ORDER BY ts DESC))[1] AS close,
       sum(volume) AS volume,
       count(*) AS bars
FROM market_data
GROUP BY asset_id, date_bin('5 minutes', ts, timestamptz '2000-01-01 00:00:00+00');

CREATE VIEW candles_1h AS
SELECT asset_id,
       date_bin('1 hour', ts, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       (array_agg(open ORDER BY ts))[1] AS open,
       max(high) AS high,
       min(low) AS low,
       (array_agg(close ORDER BY ts DESC))[1] AS close,
       sum(volume) AS volume,
       count(*) AS bars
FROM market_data
GROUP BY asset_id, date_bin('1 hour', ts, timestamptz '2000-01-01 00:00:00+00');

CREATE VIEW candles_1d AS
SELECT asset_id,
       date_bin('1 day', ts, timestamptz '2000-01-01 00:00:00+00') AS bucket,
       (array_agg(open ORDER BY ts))[1] AS open,
       max(high) AS high,
       min(low) AS low,
       (array_agg(close ORDER BY ts DESC))[1] AS close,
       sum(volume) AS volume,
       count(*) AS bars
FROM market_data
GROUP BY asset_id, date_bin('1 day', ts, timestamptz '2000-01-01 00:00:00+00');

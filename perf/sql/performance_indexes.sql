-- Performance indexes of the dashboard. Apply with `pack2 indexes apply` (or psql), measure with `pack2 indexes
-- verify`: what does not pay is taken out of here and listed in rejected.md. Each names the queries that it serves.

-- Alerts: newest first, unread first, and counted by kind without touching the table.

-- serves: alerts_page, overview_recent_alerts
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_alerts_user_recent
    ON alerts (user_id, triggered_at DESC, id DESC);

-- serves: alerts_unread_page, alerts_unread_count, overview_unread_alerts
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_alerts_user_unread
    ON alerts (user_id, triggered_at DESC, id DESC) WHERE NOT is_read;

-- serves: alerts_of_asset
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_alerts_user_asset_recent
    ON alerts (user_id, asset_id, triggered_at DESC, id DESC);

-- serves: alerts_count_by_kind
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_alerts_user_kind
    ON alerts (user_id, kind) INCLUDE (is_read);

-- Audit log: append-only, so an index costs an append and no HOT update.

-- serves: audit_recent, audit_by_action
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_log_recent
    ON audit_log (ts DESC, id DESC);

-- serves: audit_by_user, audit_by_user_and_action
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_log_user_recent
    ON audit_log (user_id, ts DESC, id DESC);

-- serves: audit_by_subject
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_log_subject_recent
    ON audit_log (subject, ts DESC, id DESC);

-- serves: recent_sign_ins
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_audit_log_sign_ins
    ON audit_log (user_id, ts DESC) WHERE action = 'auth.sign_in';

-- Transactions: the ledger by portfolio, by portfolio and asset, by asset, and by time; never updated.

-- serves: transactions_page, transactions_page_by_side, transactions_recent_of_owner,
--   overview_recent_transactions
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_transactions_portfolio_recent
    ON transactions (portfolio_id, executed_at DESC, id DESC);

-- serves: transactions_monthly_summary, transactions_fees_paid, transactions_realised_by_asset, overview_fees
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_transactions_portfolio_totals
    ON transactions (portfolio_id, executed_at) INCLUDE (asset_id, side, quantity, price, fee);

-- serves: transactions_page_by_asset, transactions_page_by_asset_and_side, transactions_last_of_asset
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_transactions_portfolio_asset_recent
    ON transactions (portfolio_id, asset_id, executed_at DESC, id DESC);

-- serves: asset_recent_trades
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_transactions_asset_recent
    ON transactions (asset_id, executed_at DESC, id DESC);

-- serves: most_traded
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_transactions_executed
    ON transactions (executed_at) INCLUDE (asset_id, quantity, price);

-- Signals: newest of all, of an asset, of a strategy, strongest. The newest of all serve the rare filters too.

-- serves: signals_recent, overview_signals_on_holdings, signals_by_symbol, signals_by_symbol_and_direction,
--   signals_by_direction, signals_by_tag
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_recent
    ON signals (ts DESC, id DESC);

-- serves: asset_recent_signals, asset_sentiment
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_asset_recent
    ON signals (asset_id, ts DESC, id DESC) INCLUDE (direction, strength);

-- serves: signals_by_strategy
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_strategy_recent
    ON signals (strategy_id, ts DESC, id DESC);

-- serves: signals_strongest
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_signals_strongest
    ON signals (strength DESC, id DESC) INCLUDE (ts) WHERE direction <> 'hold';

-- Positions: a trade updates the quantity, so this one ends HOT updates there; asked at every look at an asset.

-- serves: asset_holders
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_positions_asset_quantity
    ON positions (asset_id) INCLUDE (quantity);

-- Strategies: runs of a strategy, of a user, the best one; returns without touching the table.

-- serves: strategy_runs_page
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_strategy_runs_recent
    ON strategy_runs (strategy_id, started_at DESC, id DESC);

-- serves: strategy_best_run
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_strategy_runs_best
    ON strategy_runs (strategy_id, ((metrics ->> 'sharpe')::float8) DESC NULLS LAST, id DESC) WHERE status = 'done';

-- serves: strategy_runs_of_user, overview_recent_runs
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_strategy_runs_user_recent
    ON strategy_runs (requested_by, started_at DESC, id DESC);

-- serves: strategies_leaderboard, strategies_compare, strategy_performance
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_strategy_returns_covering
    ON strategy_returns (strategy_id, day) INCLUDE (daily_return, equity);

-- Research notes: newest of all, of an asset, of an author.

-- serves: research_recent, overview_notes_on_holdings, research_by_tag
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_research_notes_recent
    ON research_notes (published_at DESC, id DESC);

-- serves: research_by_symbol, asset_recent_notes
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_research_notes_asset_recent
    ON research_notes (asset_id, published_at DESC, id DESC);

-- serves: research_by_author
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_research_notes_author_recent
    ON research_notes (author_id, published_at DESC, id DESC);

-- serves: sparklines
-- partitioned: `pack2 indexes apply` builds it CONCURRENTLY by partition; psql locks writers meanwhile
CREATE INDEX IF NOT EXISTS idx_market_data_hourly
    ON market_data (asset_id, ts) INCLUDE (close) WHERE extract(minute FROM ts AT TIME ZONE 'UTC') = 0;

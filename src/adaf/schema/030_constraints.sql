-- Added after a bulk load: one pass over each table instead of a check a row.
ALTER TABLE market_data ADD PRIMARY KEY (asset_id, ts);
ALTER TABLE strategy_returns ADD PRIMARY KEY (strategy_id, day);
ALTER TABLE portfolio_data ADD PRIMARY KEY (portfolio_id, ts);
ALTER TABLE signals ADD PRIMARY KEY (id);
ALTER TABLE transactions ADD PRIMARY KEY (id);
ALTER TABLE alerts ADD PRIMARY KEY (id);
ALTER TABLE audit_log ADD PRIMARY KEY (id);

ALTER TABLE sessions ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE;
ALTER TABLE quotes ADD FOREIGN KEY (asset_id) REFERENCES assets;
ALTER TABLE market_data ADD FOREIGN KEY (asset_id) REFERENCES assets;
ALTER TABLE strategies ADD FOREIGN KEY (owner_id) REFERENCES users, ADD FOREIGN KEY (asset_id) REFERENCES assets;
ALTER TABLE strategy_runs ADD FOREIGN KEY (strategy_id) REFERENCES strategies ON DELETE CASCADE,
    ADD FOREIGN KEY (requested_by) REFERENCES users;
ALTER TABLE strategy_returns ADD FOREIGN KEY (strategy_id) REFERENCES strategies ON DELETE CASCADE;
ALTER TABLE signals ADD FOREIGN KEY (strategy_id) REFERENCES strategies ON DELETE CASCADE,
    ADD FOREIGN KEY (asset_id) REFERENCES assets;
ALTER TABLE portfolios ADD FOREIGN KEY (owner_id) REFERENCES users;
ALTER TABLE positions ADD FOREIGN KEY (portfolio_id) REFERENCES portfolios ON DELETE CASCADE,
    ADD FOREIGN KEY (asset_id) REFERENCES assets;
ALTER TABLE transactions ADD FOREIGN KEY (portfolio_id) REFERENCES portfolios ON DELETE CASCADE,
    ADD FOREIGN KEY (asset_id) REFERENCES assets;
CREATE UNIQUE INDEX transactions_client_reference_key ON transactions (portfolio_id, client_reference)
    WHERE client_reference IS NOT NULL;
ALTER TABLE portfolio_data ADD FOREIGN KEY (portfolio_id) REFERENCES portfolios ON DELETE CASCADE;
ALTER TABLE reports ADD FOREIGN KEY (owner_id) REFERENCES users;
ALTER TABLE report_files ADD FOREIGN KEY (report_id) REFERENCES reports ON DELETE CASCADE;
ALTER TABLE alerts ADD FOREIGN KEY (user_id) REFERENCES users ON DELETE CASCADE, ADD FOREIGN KEY (asset_id) REFERENCES assets;
ALTER TABLE research_notes ADD FOREIGN KEY (asset_id) REFERENCES assets, ADD FOREIGN KEY (author_id) REFERENCES users;
ALTER TABLE audit_log ADD FOREIGN KEY (user_id) REFERENCES users;

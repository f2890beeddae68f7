"""Whether the dashboard and what it stands on are well."""

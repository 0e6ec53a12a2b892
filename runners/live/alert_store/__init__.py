"""One SQLite file: cursor, alerts, audit, outbox and acknowledgements."""

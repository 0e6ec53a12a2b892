"""The database file itself: schema, chain, lock."""

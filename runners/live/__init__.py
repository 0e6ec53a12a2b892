"""The live runner's parts: durable store, audit log, feeds, broadcast, mail."""

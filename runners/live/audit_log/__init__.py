"""The hash-chained audit log: read, verified, pruned."""

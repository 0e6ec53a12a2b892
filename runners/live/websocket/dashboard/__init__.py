"""The page for traders."""

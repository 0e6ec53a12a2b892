"""One page for management: figures, the words for them, and how they are shown."""

"""Sources of closed bars."""

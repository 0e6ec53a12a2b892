"""What is searched: keys, values, conditions, combinations by number."""

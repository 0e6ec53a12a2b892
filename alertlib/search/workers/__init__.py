"""Where combinations are counted: threads, processes, other machines."""

"""What the exchange fixes: instruments, hours, ticks, calendars. Standard library only."""

"""What each command does, behind its shell."""

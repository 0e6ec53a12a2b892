"""What traders read, in pt-BR (default) or English."""

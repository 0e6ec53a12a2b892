"""A release tried on this machine before it goes anywhere: installed, run, killed, verified."""

"""A daemon, its clients and a mail server to try it with."""

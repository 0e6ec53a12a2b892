"""End-to-end tests of the daemon: real processes, sockets, files and signals."""

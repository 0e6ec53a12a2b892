"""WebSocket clients: the protocol without I/O, and the server around it."""

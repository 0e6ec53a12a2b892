"""WebSocket clients: the protocol without I/O, and the server around it."""

from runners.live.websocket import lean_websockets  # noqa: F401

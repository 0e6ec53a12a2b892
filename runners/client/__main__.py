"""``python -m runners.client``: print alerts as JSON lines."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence

from runners._extras import require_extra
from runners._main import OK, run


def main(arguments: Sequence[str]) -> int:
    """Print messages as they come."""
    from runners.cli.parser import file_name, make_parser
    from runners.client.token import first_token

    parser = make_parser("client", "Print alerts as JSON lines as they come.", config=False)
    parser.add_argument("--url", default="ws://localhost:8765")
    parser.add_argument("--token-env", default="WEBSOCKET_TOKEN", metavar="NAME")
    parser.add_argument(
        "--state", metavar="FILE", type=file_name, help="keep the position across runs"
    )
    parser.add_argument("--window", action="store_true", help="begin with what is retained")
    options = parser.parse_args(arguments)
    require_extra("live")
    token = first_token(os.environ.get(options.token_env, ""), f"${options.token_env}")
    asyncio.run(_print(options.url, token, options.state, options.window))
    return OK


async def _print(url: str, token: str, state: str | None, window: bool) -> None:
    from runners.client.stream import AlertClient

    async with AlertClient(url, token, state=state, window=window) as client:
        async for message in client:
            print(json.dumps(message._asdict(), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    sys.exit(run(main, ends_with_reader=True))

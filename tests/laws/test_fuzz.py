"""Whatever comes in is read, or refused in a line: bars, labels, settings, the wire.

``FUZZ_SECONDS=600 pytest -m slow tests/laws/test_fuzz.py`` for longer; a failure names the seed,
and ``FUZZ_SEED`` begins with it.
"""

from __future__ import annotations

import asyncio
import io
import warnings
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import alertlib as al
from alertlib.bars.readers.labels import read_labels
from alertlib.errors import AlertlibError, AlertlibWarning
from runners.live.websocket import protocol
from tests.support.damage import cases
from tests.support.synthetic import frame, walk
from tests.support.websocket_server import serving

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


def text_bars() -> list[bytes]:
    """One series as the world writes it: ISO, MetaTrader 5, its package, ProfitChart, Parquet."""
    bars = frame(walk(3, sessions=2))
    mt5 = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"
    profit = ""
    epochs = "time,open,high,low,close,tick_volume,spread,real_volume\n"
    for when, *prices in bars.iter_rows():
        shown = "\t".join(str(int(p)) for p in prices)
        mt5 += f"{when:%Y.%m.%d\t%H:%M:%S}\t{shown}\t10\t20\t5\n"
        comma = ";".join(f"{p:.2f}".replace(".", ",") for p in prices)
        profit = f"WINFUT;{when:%d/%m/%Y;%H:%M:%S};{comma};1.234,50;10\n" + profit
        epochs += f"{int(when.timestamp())},{','.join(map(str, prices))},10,5,20\n"
    parquet = io.BytesIO()
    bars.write_parquet(parquet)
    iso = bars.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S")
    return [
        iso.encode(),
        mt5.encode("utf-16"),
        mt5.encode().replace(b"\n", b"\r\n"),
        profit.encode("latin-1"),
        epochs.encode(),
        parquet.getvalue(),
    ]


def refuse_or_read(read: Callable[[Path], object], file: Path, data: bytes, seed: int) -> bool:
    """Whether it was read; anything but a refusal of ours in one line fails."""
    file.write_bytes(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AlertlibWarning)
            read(file)
    except AlertlibError as refusal:
        if "\n" in str(refusal):
            raise AssertionError(f"FUZZ_SEED={seed}, not one line: {refusal}") from refusal
        return False
    except Exception as error:
        kept = file.with_name(f"seed_{seed}.bin")
        kept.write_bytes(data)
        raise AssertionError(f"FUZZ_SEED={seed}, kept as {kept}: {error!r}") from error
    return True


def fuzz(read: Callable[[Path], object], sources: list[bytes], folder: Path) -> None:
    file = folder / "case"
    told = [refuse_or_read(read, file, data, seed) for seed, data in cases(sources)]
    print(f"{len(told):,} cases, {sum(told):,} of them read")
    assert any(told), "nothing was read at all"
    assert not all(told), "nothing was refused at all"


def test_bars(tmp_path: Path) -> None:
    def read(file: Path) -> None:
        bars = al.read_bars(file, symbol="WIN$N")
        assert bars.frame["time"].is_sorted()
        assert bars.frame["time"].is_unique().all()
        finite = bars.frame.select(pl.col("open", "high", "low", "close").is_finite().all())
        assert all(finite.row(0))

    fuzz(read, text_bars(), tmp_path)


def test_labels(tmp_path: Path) -> None:
    rows = [f"2026-01-{day:02}T10:00:00,2026-01-{day:02}T11:00:00,1,a move" for day in range(5, 10)]
    fuzz(read_labels, ["\n".join(["time_start,time_end,direction,note", *rows]).encode()], tmp_path)


def test_configuration(tmp_path: Path) -> None:
    shipped = [path.read_bytes() for path in (ROOT / "config").glob("*.yaml")]
    fuzz(al.load_config, shipped, tmp_path)


MESSAGES = [
    b'{"type":"auth","token":"T"}',
    b'{"type":"resume","epoch":"358af73341be3f6b","since":17}',
    b'{"type":"ack","seq":3}',
    b'{"type":"action","id":"0f1c8462748d60cdf8bb6b53a51cb5a7","action":"executed","note":"ok"}',
    b'{"type":"bars","symbol":"WIN$N","timeframe":"M5"}',
]


def test_messages_of_clients() -> None:
    understood = 0
    for seed, data in cases(MESSAGES):
        # JSON may name half a surrogate; what is no UTF-8 at all never gets past the frame.
        text = data.decode("utf-8", "replace").replace("\ufffd", r"\ud800" if seed % 2 else "?")
        understood += not isinstance(protocol.parse(text), protocol.Invalid)
    assert understood > 0


HANDSHAKE = (
    b"GET /alertas?epoch=a&since=1 HTTP/1.1\r\nHost: 127.0.0.1:8765\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    b"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer " + b"t" * 43 + b"\r\n\r\n"
)
FRAMES = b"\x81\x8f\x01\x02\x03\x04" + bytes(
    byte ^ (1, 2, 3, 4)[place % 4] for place, byte in enumerate(b'{"type":"ack"}\n')
)


def test_the_wire() -> None:
    """A server that is sent anything at all serves the next client as the first."""

    async def attack() -> None:
        async with serving() as house:
            host, port = house.url.removeprefix("ws://").partition("/")[0].rsplit(":", 1)
            for _seed, data in cases(
                [HANDSHAKE, HANDSHAKE + FRAMES, b"GET /health HTTP/1.1\r\n\r\n"]
            ):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(data)
                try:
                    if writer.can_write_eof():
                        writer.write_eof()
                    await asyncio.wait_for(reader.read(4096), 5)
                except (ConnectionError, TimeoutError):
                    pass
                writer.close()
            async with house.connect() as client:
                assert b'"welcome"' in (await client.recv(decode=False))

    asyncio.run(attack())

"""Files and messages as the world damages them, from a seed."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence

#: What has broken a reader somewhere: numbers, dates, quotes, marks and ends that are none.
TOKENS = (
    b"", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\r", b"\n", b"\r\r\n", b"\t", b";", b",",
    b'"', b"'", b"NaN", b"inf", b"-1", b"0", b"1e308", b"1e-400", b"9" * 40, b"0x10", b"1_000",
    b"1.234,5", b"2026-02-30", b"31/12/9999", b"24:00", b"-0", b"\xe2\x88\x92\x31",
    b"\xf0\x9f\x92\xa5", b"null", b"{}", b"[", b"]", b"true", b"!!python/object:os.system",
    b"&a", b"*a", b"<<: *a", b"---", b"\x1a",
)  # fmt: skip
SECONDS = float(os.environ.get("FUZZ_SECONDS", "20"))


def damaged(rng: random.Random, sources: Sequence[bytes]) -> bytes:
    """Return one of ``sources`` with one to six things done to it."""
    data = bytearray(rng.choice(sources))
    for _ in range(rng.randint(1, 6)):
        _damage(rng, data, sources)
    return bytes(data)


def _damage(rng: random.Random, data: bytearray, sources: Sequence[bytes]) -> None:
    start = rng.randrange(len(data) + 1)
    end = min(len(data), start + rng.choice((1, 1, 2, 8, 64, 512)))
    match rng.randrange(8):
        case 0:
            del data[start:end]
        case 1:
            data[start:start] = data[start:end]
        case 2:
            data[start:end] = rng.choice(TOKENS)
        case 3:
            data[start:start] = rng.choice(TOKENS)
        case 4:
            data[start:end] = bytes(rng.randrange(256) for _ in range(end - start))
        case 5:
            other = rng.choice(sources)
            place = rng.randrange(len(other) + 1)
            data[start:end] = other[place : place + rng.choice((4, 40, 400))]
        case 6:
            del data[start:]
        case _:
            lines = bytes(data).split(b"\n")
            one, two = rng.randrange(len(lines)), rng.randrange(len(lines))
            lines[one], lines[two] = lines[two], lines[one]
            data[:] = b"\n".join(lines)


def cases(sources: Sequence[bytes], seconds: float = SECONDS) -> Iterator[tuple[int, bytes]]:
    """Yield damaged copies with their seeds for so long; seeds go on from ``$FUZZ_SEED``."""
    seed = int(os.environ.get("FUZZ_SEED", "0"))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield seed, damaged(random.Random(seed), sources)
        seed += 1

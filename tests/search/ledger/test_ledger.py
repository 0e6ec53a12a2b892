"""The ledger under searches that go on, end early, meet each other or bring other bars."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alertlib.config import Config
from alertlib.errors import AlertlibWarning, BusyError, ConfigError, DataError, StorageError
from alertlib.search.ledger.identity import Identity, configuration_hash
from alertlib.search.ledger.ledger import Ledger
from alertlib.search.ledger.lines import Trial, encode
from alertlib.search.ledger.reader import read_ledger
from tests.support.ledger_process import BATCH
from tests.support.ledger_trials import SESSIONS, SIGMA, Clock, make_trial, sweep_identity

ROOT = Path(__file__).parents[3]
IDENTITY = sweep_identity()
STOP = "trade.stop_atr"
AS_NOBODY = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, to become somebody else"
)


def opened(path: Path, identity: Identity = IDENTITY, **options: Any) -> Ledger:
    return Ledger.open(path, identity, Clock(), **options)


def trials_of(*values: float, identity: Identity = IDENTITY, **options: Any) -> list[Trial]:
    return [make_trial(identity, value, **options) for value in values]


def told(trial: Trial) -> tuple[Any, ...]:
    """What the maker of a trial said of it."""
    return trial.config, trial.values, trial.seed, trial.counts


@contextmanager
def folder() -> Iterator[Path]:
    """A folder for one example: hypothesis shares those of fixtures."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


@given(st.lists(st.lists(st.integers(1, 40), max_size=5), max_size=5), st.booleans())
def test_what_is_appended_is_read_each_once_and_in_order(
    batches: list[list[int]], totals: bool
) -> None:
    identity = sweep_identity(totals=totals)
    every = list(itertools.chain(*batches))
    expected = [told(t) for t in trials_of(*dict.fromkeys(every), identity=identity)]
    with folder() as place:
        path = place / "trials.jsonl"
        for batch in batches:
            with opened(path, identity) as ledger:
                new = [
                    t for t in trials_of(*batch, identity=identity) if not ledger.known(t.config)
                ]
                assert ledger.append(trials_of(*batch, identity=identity)) == len(
                    {t.config for t in new}
                )
                assert all(ledger.known(trial.config) for trial in new)
        with opened(path, identity) as ledger:
            assert [told(trial) for trial in ledger.trials()] == expected
            assert ledger.count == len(expected)
            assert ledger.append(trials_of(*every, identity=identity)) == 0
        records = read_ledger(path)
        assert [told(trial) for trial in records.trials()] == expected
        assert records.count == len(expected)
        assert len(records.sweeps) == 1
        assert len(path.read_bytes().splitlines()) == 2 + len(expected)


def test_a_line_says_what_it_is_of_and_when(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "trials.jsonl"
    with opened(path) as ledger:
        ledger.append(trials_of(2.5))
    header, sweep, trial = map(json.loads, path.read_text().splitlines())
    assert header["schema"] == "ledger.v1"
    assert (header["data"], header["spec"]) == (IDENTITY.data, IDENTITY.spec)
    assert header["base"] == IDENTITY.base
    assert header["instrument"]["symbol"] == "WIN$N"
    assert sweep["swept"] == [SIGMA]
    assert sweep["sessions"] == list(SESSIONS)
    assert trial["kind"] == "trial"
    assert trial["values"] == {SIGMA: 2.5}
    assert (trial["data"], trial["spec"]) == (IDENTITY.data[:12], IDENTITY.spec[:12])
    assert trial["counts"]["opportunities"] == [2_500, 2_501, 2_502]
    assert trial["when"].startswith("2026-01-05T12:00:")
    assert trial["when"].endswith("Z")


def whole_ledger() -> bytes:
    """The bytes of a ledger with two sweeps, a touch and a note."""
    with folder() as place:
        path = place / "trials.jsonl"
        with opened(path) as ledger:
            ledger.append(trials_of(1, 2))
            ledger.touch(["2021-01-07"], IDENTITY.configuration_hash({SIGMA: 2}))
        with opened(path, sweep_identity(swept=[STOP])) as ledger:
            ledger.append(trials_of(3, key=STOP))
            ledger.note("done")
        return path.read_bytes()


WHOLE = whole_ledger()


@given(st.integers(0, len(WHOLE)))
def test_a_cut_at_any_byte_is_mended_and_the_piece_kept(cut: int) -> None:
    """Exactly the bytes of the unfinished line; nothing that was whole is touched."""
    content = WHOLE[:cut]
    kept = content[: content.rfind(b"\n") + 1]
    torn = content[len(kept) :]
    with folder() as place:
        path = place / "trials.jsonl"
        path.write_bytes(content)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            ledger = opened(path)
        with ledger:
            ledger.append(trials_of(1, 2))
            assert [told(trial) for trial in ledger.trials()][:2] == [
                told(trial) for trial in trials_of(1, 2)
            ]
        asides = sorted(place.glob("trials.jsonl.torn-*"))
        assert [aside.read_bytes() for aside in asides] == ([torn] if torn else [])
        assert len(caught) == len(asides)
        for warning in caught:
            assert warning.category is AlertlibWarning
            assert f"its {len(torn):,} bytes are set aside in {asides[0].name}" in str(
                warning.message
            )
        assert path.read_bytes().startswith(kept)
        read_ledger(path)


def test_pieces_are_kept_apart_and_one_piece_once(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    for piece in (b'{"kind":"tri', b'{"kind":"tr', b'{"kind":"tri'):
        path.write_bytes(WHOLE + piece)
        with pytest.warns(AlertlibWarning, match=f"its {len(piece)} bytes are set aside"):
            opened(path).close()
        assert path.read_bytes() == WHOLE
    assert {aside.name: aside.read_bytes() for aside in tmp_path.glob("*.torn-*")} == {
        "trials.jsonl.torn-1": b'{"kind":"tri',
        "trials.jsonl.torn-2": b'{"kind":"tr',
    }


def test_reading_leaves_an_unfinished_line_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_bytes(WHOLE + b'{"kind"')
    with pytest.warns(AlertlibWarning, match=r"the last line is unfinished \(7 bytes\)"):
        records = read_ledger(path)
    assert records.count == 3
    assert len(list(records.trials())) == 3
    assert [(touch.sessions, note.text) for touch, note in zip(records.touches, records.notes,
            strict=True)] == [(("2021-01-07",), "done")]  # fmt: skip
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == WHOLE + b'{"kind"'


@pytest.mark.parametrize(
    ("number", "damage"),
    [
        (2, lambda line: line.replace(b'"swept"', b'"swapt"')),
        (3, lambda line: line[:50]),
        (3, lambda line: b""),
        (3, lambda line: b"\xff" + line),
        (4, lambda line: line.replace(b'"trial"', b'"trail"')),
        (4, lambda line: line.replace(b'"sweep":0', b'"sweep":7')),
        (4, lambda line: line.replace(b"[2000,2001,2002]", b"[2000,2001]")),
        (4, lambda line: line.replace(b"[2000,2001,2002]", b"[2000,2001,null]")),
        (7, lambda line: b"\0" * len(line)),
        (1, lambda line: line.replace(b'"base"', b'"bass"')),
    ],
)
def test_a_damaged_line_is_named_by_its_number(tmp_path: Path, number: int, damage: Any) -> None:
    lines = WHOLE.splitlines()
    damaged = damage(lines[number - 1])
    assert damaged != lines[number - 1]
    lines[number - 1] = damaged
    path = tmp_path / "trials.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    for read in (read_ledger, opened):
        with pytest.raises(DataError, match=rf"trials\.jsonl:{number}: a damaged line \(") as error:
            read(path)
        assert "\n" not in str(error.value)
    assert path.read_bytes() == b"\n".join(lines) + b"\n"


@pytest.mark.parametrize("content", [b"time,open\n1,2\n", b'{"schema":"scorecard.v2"}\n', b"{\n",
                                     b"text", b"[1]\n", b"\n"])  # fmt: skip
def test_a_file_that_is_no_ledger_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "win.csv"
    path.write_bytes(content)
    for read in (read_ledger, opened):
        with pytest.raises(DataError, match="not a ledger; expected one that a search has begun"):
            read(path)
    assert path.read_bytes() == content


def test_a_ledger_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    content = WHOLE.replace(b"ledger.v1", b"ledger.v2")
    path.write_bytes(content)
    for read in (read_ledger, opened):
        with pytest.raises(ConfigError, match=r"'ledger\.v2', expected ledger\.v1") as refused:
            read(path)
        assert refused.value.exit_status == 2
    assert path.read_bytes() == content


def test_there_is_nothing_to_read_where_there_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such file"):
        read_ledger(tmp_path / "none")
    (tmp_path / "empty").touch()
    with pytest.raises(DataError, match="an empty ledger"):
        read_ledger(tmp_path / "empty")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (sweep_identity(data="e" * 64), "other bars: dddddddddddd there, eeeeeeeeeeee here"),
        (sweep_identity(labels="file"), "the ledger of other rules of scoring, hours, tick"),
        (sweep_identity(Config().set("scoring.k", 2)), r"\(scoring\.k\): 3\.0 there, 2\.0 here"),
        (
            sweep_identity(Config().set("trade.slippage_ticks", 2)),
            r"other settings \(trade\.slippage_ticks\): 1 there, 2 here",
        ),
        (
            sweep_identity(Config().set("detection.enabled", ["volatility"])),
            r"\(detection\.enabled and \d+ more\)",
        ),
        (
            sweep_identity(Config().set("detection.breakout.window", 9), [SIGMA]),
            r"\(detection\.breakout\.window\): 5 there, 9 here",
        ),
    ],
)  # fmt: skip
def test_a_sweep_of_something_else_is_refused(
    tmp_path: Path, other: Identity, message: str
) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_bytes(WHOLE + b'{"torn')
    with pytest.raises(DataError, match=message) as refused:
        opened(path, other)
    assert refused.value.exit_status == 3
    assert "\n" not in str(refused.value)
    assert path.read_bytes() == WHOLE + b'{"torn'
    assert not list(tmp_path.glob("*.torn-*"))


def test_other_sweeps_on_the_same_bars_add_to_the_count(tmp_path: Path) -> None:
    """What one found becomes the base of the next: still one more question to the same bars."""
    path = tmp_path / "trials.jsonl"
    found = Config().set(SIGMA, 2.5)
    other_axis = sweep_identity(found, [STOP])
    same_again = make_trial(IDENTITY, 2.5)
    with opened(path) as ledger:
        ledger.append([*trials_of(2), same_again])
    with opened(path, other_axis) as ledger:
        stop = found.trade.stop_atr
        assert other_axis.configuration_hash({STOP: stop}) == same_again.config
        assert ledger.known(same_again.config)
        ledger.append(trials_of(1, stop, 3, identity=other_axis, key=STOP))
        assert ledger.count == 4
    records = read_ledger(path)
    assert [sweep.changed for sweep in records.sweeps] == [{}, {SIGMA: 2.5}]
    assert [trial.sweep for trial in records.trials()] == [0, 0, 1, 1]
    # A base cannot move by what no sweep of the ledger has varied.
    moved = found.set("detection.breakout.window", 9)
    with pytest.raises(DataError, match=r"detection\.breakout\.window"):
        opened(path, sweep_identity(moved, [STOP]))
    with opened(path, sweep_identity(moved, ["detection.breakout.window"])) as ledger:
        assert ledger.count == 4


@given(st.permutations(range(3)), st.sampled_from([1, 2.5, 3]))
def test_a_trial_says_its_whole_configuration(order: list[int], value: float) -> None:
    """Header, sweep and trial together give back the hash."""
    identities = [IDENTITY, sweep_identity(Config().set(SIGMA, 4), [STOP]),
                  sweep_identity(Config().set(STOP, 4), [SIGMA])]  # fmt: skip
    with folder() as place:
        for at in order:
            identity = identities[at]
            try:
                ledger = opened(place / "trials.jsonl", identity)
            except DataError:
                continue
            with ledger:
                (key,) = identity.swept
                ledger.append(trials_of(value, identity=identity, key=key))
        records = read_ledger(place / "trials.jsonl")
        trials = list(records.trials())
    assert records.header is not None
    assert trials
    for trial in trials:
        changed = records.sweeps[trial.sweep].changed
        whole = {**records.header.base, **changed, **trial.values}
        assert configuration_hash(whole) == trial.config


def test_the_same_configuration_on_other_sessions_is_tried_anew_and_counted_once(
    tmp_path: Path,
) -> None:
    path = tmp_path / "trials.jsonl"
    with opened(path) as ledger:
        ledger.append(trials_of(1, 2))
    fewer = sweep_identity(sessions=SESSIONS[:2])
    with opened(path, fewer) as ledger:
        assert not ledger.known(trials_of(1)[0].config)
        assert ledger.append(trials_of(1, identity=fewer)) == 1
        assert ledger.count == 2
        assert len(list(ledger.trials())) == 3


def test_touches_and_notes_are_on_the_disk_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trials.jsonl"
    synced: list[int] = []
    real = os.fsync
    with opened(path) as ledger:

        def traced(descriptor: int) -> None:
            synced.append(path.stat().st_size)
            real(descriptor)

        monkeypatch.setattr(os, "fsync", traced)
        ledger.touch(["2021-01-07", "2021-01-08"], "abc")
        ledger.note("looked at")
        assert len(synced) == 2
        assert [touch.config for touch in ledger.records.touches] == ["abc"]
    (touch,) = read_ledger(path).touches
    assert touch.sessions == ("2021-01-07", "2021-01-08")
    assert touch.when.endswith("Z")
    assert synced[-1] == path.stat().st_size


def test_trials_are_committed_every_so_many_and_every_so_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)

    def commits(**options: Any) -> list[int]:
        """Return how many commits there were after each of six trials and the end."""
        seen = []
        with opened(tmp_path / f"{len(list(tmp_path.iterdir()))}", **options) as ledger:
            synced.clear()
            for value in range(1, 7):
                ledger.append(trials_of(value))
                seen.append(len(synced))
        return [*seen, len(synced)]

    assert commits(commit_lines=1, commit_seconds=1e6) == [1, 2, 3, 4, 5, 6, 6]
    assert commits(commit_lines=4, commit_seconds=1e6) == [0, 0, 0, 1, 1, 1, 2]
    # Each append looks at the clock twice, a commit once more: seconds of the test's clock.
    assert commits(commit_lines=100, commit_seconds=3) == [0, 1, 1, 2, 2, 3, 3]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "trials.jsonl"
    write = os.write
    with opened(path) as ledger:
        ledger.append(trials_of(1))
        before = path.read_bytes()
        with monkeypatch.context() as full:
            full.setattr(os, "write", lambda descriptor, raw: write(descriptor, raw[:50]))
            with pytest.raises(StorageError, match=r"cannot be written \(50 of .* bytes written\)"):
                ledger.append(trials_of(2, 3))
        assert path.read_bytes() == before
        assert not ledger.known(trials_of(2)[0].config)
        assert ledger.append(trials_of(1, 2, 3)) == 2
    assert read_ledger(path).count == 3


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ({"tp": (1, 2)}, "2 tp, expected 3"),
        ({"squares": (1.0, float("nan"), 2.0)}, "not finite"),
    ],
)
def test_counts_that_would_damage_the_ledger_are_not_written(
    tmp_path: Path, counts: dict[str, Any], message: str
) -> None:
    path = tmp_path / "trials.jsonl"
    good, bad = trials_of(1, 2)
    bad = msgspec.structs.replace(bad, counts=msgspec.structs.replace(bad.counts, **counts))
    with opened(path) as ledger:
        with pytest.raises(ValueError, match=message):
            ledger.append([good, bad])
        assert ledger.count == 1
    assert read_ledger(path).count == 1


def test_many_trials_are_written_in_few_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    write = os.write

    def counted(descriptor: int, raw: bytes) -> int:
        calls.append(len(raw))
        assert raw.endswith(b"\n")
        return write(descriptor, raw)

    with opened(tmp_path / "trials.jsonl") as ledger:
        monkeypatch.setattr(os, "write", counted)
        assert ledger.append(make_trial(IDENTITY, 1 + n / 8) for n in range(4_000)) == 4_000
    line = len(encode(make_trial(IDENTITY, 1.0)))
    assert len(calls) <= 2 + 4_000 * 2 * line // (1 << 20)


def test_a_second_writer_is_refused_at_once_whatever_it_calls_the_file(tmp_path: Path) -> None:
    path, link = tmp_path / "trials.jsonl", tmp_path / "link.jsonl"
    with opened(path) as ledger:
        ledger.append(trials_of(1))
        link.symlink_to(path)
        for name in (path, link):
            started = time.monotonic()
            with pytest.raises(BusyError, match=f"process {os.getpid()} is writing") as refused:
                opened(name)
            assert time.monotonic() - started < 2.0
            assert refused.value.exit_status == 5
        assert read_ledger(link).count == 1  # readers may
        ledger.append(trials_of(2))
    with opened(link) as ledger:
        assert ledger.count == 2
    with pytest.raises(DataError):
        opened(path, sweep_identity(data="e" * 64))
    opened(path).close()  # one that was refused has let go


def test_closing_twice_does_nothing_and_appending_afterwards_fails(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "trials.jsonl")
    ledger.close()
    ledger.close()
    with pytest.raises(StorageError, match="cannot be written"):
        ledger.append(trials_of(1))


OPEN = """
import os, sys
from alertlib.errors import AlertlibError
from alertlib.search.ledger.ledger import Ledger
from alertlib.search.ledger.reader import read_ledger
from tests.support.ledger_trials import Clock, sweep_identity
os.setuid(65534)  # after the imports: the interpreter may be somebody's own
print(read_ledger(sys.argv[1]).count)
try:
    Ledger.open(sys.argv[1], sweep_identity(), Clock())
except AlertlibError as error:
    print(error.exit_status, error)
"""


@AS_NOBODY
@pytest.mark.parametrize("locked", [False, True])
def test_a_ledger_that_is_read_only_is_read_and_not_written(locked: bool) -> None:
    place = Path("/tmp") / f"ledger-{os.getpid()}"  # pytest's own folder is root's alone
    place.mkdir()
    path = place / "trials.jsonl"
    try:
        path.write_bytes(WHOLE)
        path.chmod(0o444)
        if locked:
            (place / "trials.jsonl.lock").touch()
            (place / "trials.jsonl.lock").chmod(0o666)
        place.chmod(0o555)
        run = subprocess.run(
            [sys.executable, "-c", OPEN, str(path)], cwd=ROOT, capture_output=True, text=True
        )
    finally:
        shutil.rmtree(place)
    count, refused = run.stdout.splitlines()
    assert count == "3"
    assert refused.startswith(f"4 {path}: cannot be written (Permission denied); expected a file")


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written"):
        opened(tmp_path)


@pytest.mark.parametrize("kills", [6, pytest.param(150, marks=pytest.mark.slow)])
def test_kill_9_at_any_moment_loses_nothing_that_was_committed(tmp_path: Path, kills: int) -> None:
    path = tmp_path / "trials.jsonl"
    command = [sys.executable, "tests/support/ledger_process.py", str(path)]
    wait = random.Random(kills)
    kept, committed = b"", 0
    for _ in range(kills):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            first = writer.stdout.readline()  # it is writing
            time.sleep(wait.uniform(0.0, 0.05))
            writer.kill()
            said = [first, *writer.stdout.read().splitlines()]
        committed = (1 + max(map(int, said))) * BATCH
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", AlertlibWarning)  # killed within a write, perhaps
            records = read_ledger(path)
        content = path.read_bytes()
        assert content.startswith(kept)
        kept = content[: records.size]
        trials = list(records.trials())
        assert records.count == len(trials) >= committed
        expected = (make_trial(IDENTITY, 1 + n) for n in itertools.count())
        assert all(told(a) == told(b) for a, b in zip(trials, expected, strict=False))
    assert len(records.sweeps) == 1

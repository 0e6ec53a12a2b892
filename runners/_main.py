"""The guard every command runs under: exit statuses, one-line errors, no traceback.

Standard library only, so that even a failing import of the library exits 70 and is never taken
for a failed gate (exit 1).
"""

from __future__ import annotations

import os
import sys
import traceback
import warnings
from collections.abc import Callable, Sequence
from typing import TextIO

from runners._extras import hint_for
from runners._streams import guard_streams

OK = 0
FAILED = 1
USAGE = 2
NO_DATA = 3
STORAGE = 4
BUSY = 5
INTERNAL = 70
INTERRUPTED = 130

Command = Callable[[Sequence[str]], int]


def run(
    command: Command,
    argv: Sequence[str] | None = None,
    *,
    ends_with_reader: bool = False,
    must_print: bool = True,
) -> int:
    """Run ``command`` and turn whatever it raises into a line on stderr and an exit status.

    Parameters
    ----------
    command : callable
        Takes the arguments and returns an exit status. Its heavy imports belong inside it.
    argv : sequence of str, optional
        Arguments without the program's name; ``sys.argv[1:]`` when left out.
    ends_with_reader : bool
        Whether the command ends, with 0, when nobody reads its stdout any more: one that has no
        end of its own. Every other goes on to its own status.
    must_print : bool
        Whether a stdout that cannot be written is an error where the command took no notice of
        it; a daemon serves all the same.

    Returns
    -------
    int
        The status to exit with: the command's own, an error's ``exit_status``, 130 after
        Ctrl-C, 4 where stdout cannot be written, 70 for anything unexpected.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    failure = guard_streams(ends_with_reader=ends_with_reader)
    usual, warnings.showwarning = warnings.showwarning, _show_warning
    try:
        status = _flush(_call(command, arguments))
        # argparse, for one, takes no notice of what it could not print.
        lost = failure()
        if lost is None or status == STORAGE or not must_print:
            return status
        return _report(lost)
    finally:
        warnings.showwarning = usual


def _call(command: Command, arguments: Sequence[str]) -> int:
    try:
        return command(arguments)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return OK
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else (USAGE if exit_.code else OK)
    except BaseException as error:
        if "--debug" in arguments:
            traceback.print_exception(error)
        return _report(error)


def _flush(status: int) -> int:
    """Write what waits in stdout; the interpreter, at its end, would only complain."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        return status
    except OSError as error:
        return _report(error)
    return status


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print the library's warnings as one line, others as Python does; known by name alone."""
    if any(kind.__name__ == "AlertlibWarning" for kind in category.__mro__):
        print(f"warning: {' '.join(str(message).split())}", file=sys.stderr)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def complain(message: str) -> None:
    """Print why a command cannot go on: a line on stderr, and an annotation where GitHub runs it.

    The annotation stands before the line: whoever started us reads the last one.
    """
    stated = " ".join(sys.argv).replace("=", " ")
    if os.environ.get("GITHUB_ACTIONS") == "true" and "--annotations none" not in stated:
        # As alertlib.report.ci writes them; nothing of the library may be needed here.
        data = message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
        print(f"::error title=alertlib::{data}", file=sys.stderr)
    print(message, file=sys.stderr)


def _report(error: BaseException) -> int:
    if (hint := hint_for(error)) is not None:
        complain(f"error: {hint}")
        return USAGE
    status = getattr(error, "exit_status", None)
    if isinstance(status, int):
        complain(f"error: {_one_line(error)}")
        return status
    complain(
        f"internal error (a bug, not your data): {type(error).__name__}: {_one_line(error)} "
        f"({_place(error)}); run again with --debug for the traceback"
    )
    return INTERNAL


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or "no message"


def _place(error: BaseException) -> str:
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return "unknown place"
    return f"{os.path.basename(last.tb_frame.f_code.co_filename)}:{last.tb_lineno}"

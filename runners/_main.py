"""The guard every command runs under: exit statuses, one-line errors, no traceback.

Standard library only, so that even a failing import of the library exits 70 and is never taken
for a failed gate (exit 1).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from typing import TextIO

OK = 0
FAILED = 1
USAGE = 2
NO_DATA = 3
STORAGE = 4
BUSY = 5
INTERNAL = 70
INTERRUPTED = 130

Command = Callable[[Sequence[str]], int]


def run(command: Command, argv: Sequence[str] | None = None) -> int:
    """Run ``command`` and turn whatever it raises into a line on stderr and an exit status.

    Parameters
    ----------
    command : callable
        Takes the arguments and returns an exit status. Its heavy imports belong inside it.
    argv : sequence of str, optional
        Arguments without the program's name; ``sys.argv[1:]`` when left out.

    Returns
    -------
    int
        The status to exit with: the command's own, an error's ``exit_status``, 130 after
        Ctrl-C, 70 for anything unexpected.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    _fill_descriptors()
    _accept_any_text()
    usual, warnings.showwarning = warnings.showwarning, _show_warning
    try:
        status = command(arguments)
        if sys.stdout is not None:  # pythonw and a closed descriptor have none
            sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) left: not an error of ours, but the interpreter's last flush
        # of stdout would still complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else (USAGE if exit_.code else OK)
    except BaseException as error:
        if "--debug" in arguments:
            raise
        return _report(error)
    finally:
        warnings.showwarning = usual


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
    elif sys.stderr is not None:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def _report(error: BaseException) -> int:
    status = getattr(error, "exit_status", None)
    if isinstance(status, int):
        print(f"error: {_one_line(error)}", file=sys.stderr)
        return status
    print(
        f"internal error (a bug, not your data): {type(error).__name__}: {_one_line(error)} "
        f"({_place(error)}); run again with --debug for the traceback",
        file=sys.stderr,
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


def _fill_descriptors() -> None:
    """Open nothing in the place of standard streams that are closed.

    Otherwise the next file opened, a database perhaps, would take that number, and what a child
    process writes to its stderr would go there.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _accept_any_text() -> None:
    """Let a cp1252 console print what it can instead of raising UnicodeEncodeError."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")

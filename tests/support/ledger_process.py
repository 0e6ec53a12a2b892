"""A process that appends trials to a ledger until it is killed.

``python tests/support/ledger_process.py LEDGER`` prints the number of each batch once it is
committed. It goes on where the ledger ends, and first appends what it holds once more: that must
change nothing.
"""

from __future__ import annotations

import os
import sys
import warnings
from itertools import count
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from alertlib.search.ledger.ledger import Ledger
from tests.support.ledger_trials import Clock, make_trial, sweep_identity

BATCH = 7


def main(path: str) -> None:
    """Write until killed."""
    warnings.simplefilter("ignore")
    identity = sweep_identity()
    with Ledger.open(path, identity, Clock()) as ledger:
        done = ledger.count
        assert ledger.append(make_trial(identity, 1 + n) for n in range(done)) == 0
        for number in count(done // BATCH):
            ledger.append(make_trial(identity, 1 + number * BATCH + n) for n in range(BATCH))
            ledger.commit()
            # One write: a kill leaves whole lines.
            os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1])

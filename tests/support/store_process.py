"""A process that writes to a store and says what was acknowledged; killed by its parent.

``python tests/support/store_process.py DB`` commits alerts one after another and prints ``SEQ
ID`` for each as soon as its commit is acknowledged. Each start first commits the last alerts once
more: they must keep their numbers.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import Future
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from runners.live.alert_store.records import Numbered
from runners.live.alert_store.store import Store
from tests.support.store_data import alert_id, batch

AGAIN = 5


def main(path: str) -> None:
    """Write until killed."""
    store = Store.open(path)

    def announce(number: int, done: Future[tuple[Numbered, ...]]) -> None:
        (numbered,) = done.result()
        # One write: a kill leaves whole lines.
        os.write(1, f"{numbered.seq} {alert_id(number)}\n".encode())

    number = max(store.head - AGAIN, 0)
    while True:
        number += 1
        done = store.commit(batch(number, mail=number % 3 == 0))
        done.add_done_callback(partial(announce, number))
        store.append("delivery_attempt", "test", {"number": number})
        store.ack("ana", number)
        if number % 7 == 0:
            done.result()
        for row in store.outbox.due(1.0, 2):
            store.outbox.delivered([row])


if __name__ == "__main__":
    main(sys.argv[1])

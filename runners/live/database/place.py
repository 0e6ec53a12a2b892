"""Which file the configuration means."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from alertlib.errors import ConfigError, StorageError
from runners.live.database.mark import require_plain_file

if TYPE_CHECKING:
    from alertlib.config import Config

_DEFAULT = "data/live/alerts.db"
_BESIDE = ("wal", "shm", "journal")


def database_path(config: Config) -> str:
    """Return the database that holds alerts and audit log.

    ``audit.path`` and ``live.database`` are two names of it: one transaction holds an alert and
    its event, so there is one file.

    Raises
    ------
    ConfigError
        They name two files.
    """
    stated, database = config.audit.path, str(config.live.database)
    if stated is None or os.path.realpath(stated) == os.path.realpath(database):
        return database
    if database != _DEFAULT:
        raise ConfigError(
            f"audit.path: got {stated}, expected live.database's {database} or null: an alert and "
            "its event are one transaction of one file; leave one of the two out"
        )
    return str(stated)


def require_file(path: str, wanted: str = "another --db") -> None:
    """Raise StorageError if there is something at ``path`` that is no file, or beside it.

    It asks for ``wanted`` instead. A link to one is a file. A pipe would be waited for, for ever.
    What SQLite keeps beside it may be no link: that it will not follow, and calls it a failing
    disk.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise StorageError(f"{path}: no file, expected a database or nothing; give {wanted}")
    for ending in _BESIDE:
        require_plain_file(f"{os.path.realpath(path)}-{ending}")

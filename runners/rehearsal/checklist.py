"""The fourteen checks of a rehearsal, and what was found of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from alertlib.errors import AlertlibError

CHECKS = {
    "test_imports": "the wheel in a fresh environment; runners.live --check finds nothing",
    "alerta_config": "the configuration is valid for this version",
    "backtest_detector": "the day's alerts by the installed backtest; its gate on the sample",
    "websocket_server": "three clients, each number once and in order",
    "websocket_fila_integrador": "kill -9 in mid-session: nothing lost, nothing sent twice",
    "bdi_integration": "what the clients got is what the backtest scored, field by field",
    "email": "a letter for every alert and recipient, a second copy only by kill or restore",
    "webhook": "a signed call for every alert, each signature verified",
    "audit_log": "the chain verifies and contains every anchor; the last event is the stop",
    "restore": "a backup put back: new epoch, clients sent all that is retained",
    "upgrade": "a database of an earlier schema is migrated; its alerts and anchor stay",
    "roll_back": "the backup of before the upgrade put back, and started again",
    "performance": "every alert < 500 ms to a client and < 8 s to mail, memory < 50 MB",
    "monitoring": "/health 200 and without reasons at every look; clean stops exit 0",
}
"""By name what each proves. The names are the plan's where it has one for the thing."""

State = Literal["ok", "failed", "not run"]


class Finding(NamedTuple):
    """What was found of one check."""

    name: str
    state: State
    said: str

    def row(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {"name": self.name, "proves": CHECKS[self.name], "state": self.state,
                "said": self.said}  # fmt: skip


class FailedCheck(Exception):
    """What a check expected and did not find, in one line."""


class Checklist:
    """Collects findings; a check that nothing was said of was not run."""

    def __init__(self) -> None:
        self._found: dict[str, Finding] = {}

    @contextmanager
    def check(self, name: str) -> Iterator[list[str]]:
        """Run a check: it fails by :class:`FailedCheck` or an error of ours, else it is well.

        Yields a list for what there is to say. A check that is run in parts is well if all are.
        """
        if name not in CHECKS:
            raise KeyError(name)
        said: list[str] = []
        try:
            yield said
        except (FailedCheck, AlertlibError) as error:
            self._note(Finding(name, "failed", " ".join(str(error).split())))
        else:
            self._note(Finding(name, "ok", "; ".join(said)))

    def _note(self, finding: Finding) -> None:
        earlier = self._found.get(finding.name)
        if earlier is None or (earlier.state == "ok" and finding.state == "failed"):
            self._found[finding.name] = finding
        elif earlier.state == finding.state:
            said = "; ".join(text for text in (earlier.said, finding.said) if text)
            self._found[finding.name] = finding._replace(said=said)

    def failed(self, name: str) -> bool:
        """Whether a check has failed."""
        return name in self._found and self._found[name].state == "failed"

    @property
    def findings(self) -> list[Finding]:
        """Every check, in order."""
        return [self._found.get(name, Finding(name, "not run", "")) for name in CHECKS]

    @property
    def is_go(self) -> bool:
        """Whether every check was run and is well."""
        return all(finding.state == "ok" for finding in self.findings)


def require(condition: object, said: str) -> None:
    """Fail the check that is being run unless something holds."""
    if not condition:
        raise FailedCheck(said)

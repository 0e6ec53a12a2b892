"""A Postfix of one's own: Debian's programs, with a configuration, queue and mailboxes in a folder.

Nothing of the system's is touched: no service, no ``/etc/postfix``, no alias and no user but those
that Debian's package brings.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.support.smtp_servers import PASSWORD, USER, make_certificate, message

PROGRAMS = Path("/usr/lib/postfix/sbin")
DOMAIN = "corretora.example"
_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = localhost
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
mynetworks = {networks}
smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated reject_unauth_destination
smtpd_recipient_restrictions = {login} reject_unauth_destination
smtpd_tls_cert_file = {certificate}
smtpd_tls_key_file = {key}
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = {has_login}
smtpd_sasl_local_domain = localhost
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/mailboxes
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
virtual_minimum_uid = 1
maillog_file =
smtpd_error_sleep_time = 0
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
virtual unix - n n - - virtual
error unix - - n - - error
"""
_SASL = """
pwcheck_method: auxprop
auxprop_plugin: sasldb
sasldb_path: {folder}/sasldb
mech_list: PLAIN LOGIN
"""


@dataclass
class Postfix:
    """A server that runs: its port, its authority's certificate, its mailboxes."""

    port: int
    certificate: Path
    folder: Path

    def mails(self, user: str) -> list[EmailMessage]:
        """What lies in a mailbox, oldest first."""
        box = self.folder / "mail" / user / "new"
        files = sorted(box.iterdir(), key=lambda path: path.name) if box.exists() else []
        return [message(path.read_bytes()) for path in files]


def why_not() -> str:
    """Return what is lacking to run one; empty if nothing is."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return "Postfix is started by root only"
    if not (PROGRAMS / "master").exists() or shutil.which("saslpasswd2") is None:
        return "no Postfix here: apt-get install postfix sasl2-bin libsasl2-modules"
    return ""


@contextmanager
def postfix(*, login: bool) -> Iterator[Postfix]:
    """Run a Postfix that takes mail over STARTTLS: with a login, or from this machine without."""
    if lacking := why_not():
        pytest.skip(lacking)
    import pwd

    owner = pwd.getpwnam("postfix")
    # Not below pytest's folder or TMPDIR, which may be root's alone: Postfix works as another user.
    folder = Path(tempfile.mkdtemp(prefix="postfix-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        certificate, _ = make_certificate(folder, "localhost")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        for name in ("queue", "data", "mail", "sasl"):
            (folder / name).mkdir()
        for name in ("data", "mail"):
            os.chown(folder / name, owner.pw_uid, owner.pw_gid)
        values = {
            "folder": folder, "certificate": certificate, "key": certificate.with_suffix(".key"),
            "domain": DOMAIN, "port": port, "uid": owner.pw_uid, "gid": owner.pw_gid,
            "networks": "" if login else "127.0.0.0/8",
            "login": "permit_sasl_authenticated reject" if login else "",
            "has_login": "yes" if login else "no",
        }  # fmt: skip
        for name, text in {
            "main.cf": _MAIN,
            "master.cf": _MASTER,
            "sasl/smtpd.conf": _SASL,
        }.items():
            (folder / name).write_text(text.format(**values))
        (folder / "mailboxes").write_text(f"mesa@{DOMAIN} mesa/\nop@{DOMAIN} op/\n")
        _add_user(folder, owner.pw_gid)
        _run("postfix", "-c", str(folder), "start")
        try:
            _wait(port)
            yield Postfix(port, certificate, folder)
        finally:
            _run("postfix", "-c", str(folder), "abort", check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _add_user(folder: Path, group: int) -> None:
    database = folder / "sasldb"
    command = ("saslpasswd2", "-p", "-c", "-f", str(database), "-u", "localhost", USER)
    subprocess.run(command, input=PASSWORD.encode(), check=True, capture_output=True)
    os.chown(database, 0, group)
    database.chmod(0o640)


def _run(*command: str, check: bool = True) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 or not check, done.stderr


def _wait(port: int) -> None:
    end = time.monotonic() + 20.0
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1.0):
            return
        time.sleep(0.05)
    raise AssertionError("Postfix does not answer")

"""Which system user runs the servers: PostgreSQL refuses root, so root hands them to an unprivileged user."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pack2.services.errors import StateFolderError

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A system user; `switches` says that it is another one than ours."""

    name: str
    uid: int
    gid: int
    switches: bool

    def popen_arguments(self) -> dict[str, Any]:
        """The keyword arguments that make `subprocess` run a program as this user."""
        if not self.switches:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": ()}

    def can(self, test: str, *paths: Path) -> bool:
        """True where `test TEST PATH` (`-x`, `-r`, `-w`) holds for this user and every path."""
        script = 'flag="$1"; shift; for path; do test "$flag" "$path" || exit 1; done'
        command = ["/bin/sh", "-c", script, "sh", test, *map(str, paths)]
        try:
            done = subprocess.run(command, cwd="/", check=False, **self.popen_arguments())
        except OSError as error:
            reason = f"root may not become {self.name} here ({error.strerror}): run this as an ordinary user"
            raise StateFolderError(path=paths[0], reason=reason) from None
        return done.returncode == 0

    def own(self, path: Path, mode: int) -> Path:
        """Give `path` to this user with `mode`."""
        path.chmod(mode)
        if self.switches:
            os.chown(path, self.uid, self.gid)
        return path


def server_account() -> Account:
    """Ourselves; as root the first unprivileged system user of `postgres` and `nobody`."""
    if os.geteuid() != 0:
        return Account(name=str(os.geteuid()), uid=os.geteuid(), gid=os.getegid(), switches=False)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid, switches=True)
    reason = "root needs an unprivileged user for its servers; create one with `useradd --system postgres`"
    raise StateFolderError(path="/", reason=reason)

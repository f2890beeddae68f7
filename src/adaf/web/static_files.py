"""Files for the browser, read and compressed once at start and sent from memory.

Their address holds a digest of the whole tree, `/static/<version>/…`, so that modules import each other by
relative path and every file may be kept for ever. A page from before a deployment asks for an older
version: it gets today's file, not to be kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from gzip import compress
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import asgi

from adaf.auth.guards import public

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
FOREVER = b"public, max-age=31536000, immutable"


class StaticFile(msgspec.Struct, frozen=True):
    """One file as it is sent; `gzipped` is empty where compression would not pay."""

    body: bytes
    gzipped: bytes
    media_type: str
    etag: str


class StaticTree(msgspec.Struct, frozen=True):
    """All files by their path below `/static/<version>/`."""

    version: str
    files: Mapping[str, StaticFile]

    def url(self, path: str) -> str:
        """The address of the file at `path`. Raises KeyError for one that is not there."""
        return f"/static/{self.version}/{path}" if self.files[path] else ""


@cache
def tree() -> StaticTree:
    """The files inside the package; licences and notes stay in the repository."""
    return read_tree(Path(str(resources.files("adaf.web"))) / "static")


def read_tree(root: Path) -> StaticTree:
    """The files of `root` that have a media type of ours."""
    paths = sorted(path for path in root.rglob("*") if path.suffix in MEDIA_TYPES)
    files = {path.relative_to(root).as_posix(): _read(path) for path in paths}
    digest = sha256("\n".join(f"{path} {file.etag}" for path, file in files.items()).encode())
    return StaticTree(digest.hexdigest()[:12], files)


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    gzipped = compress(body, 9, mtime=0)
    return StaticFile(
        body=body,
        gzipped=gzipped if len(gzipped) < 0.9 * len(body) else b"",
        media_type=MEDIA_TYPES[path.suffix],
        etag=f'W/"{sha256(body).hexdigest()[:16]}"',
    )


@asgi("/static", is_mount=True, opt=public, copy_scope=True)
async def static_files(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    """GET and HEAD of `/static/<version>/<path>`; 304 for an equal ETag."""
    version, _, path = scope["path"].removeprefix("/static").strip("/").partition("/")
    file = tree().files.get(path)
    if file is None or scope["method"] not in ("GET", "HEAD"):  # type: ignore[typeddict-item]
        await _send(send, 404 if file is None else 405, [(b"content-type", b"text/plain")], b"Not here.\n")
        return
    asked = {
        name: value for name, value in scope["headers"] if name in (b"accept-encoding", b"if-none-match")
    }
    headers = [
        (b"content-type", file.media_type.encode()),
        (b"cache-control", FOREVER if version == tree().version else b"no-cache"),
        (b"etag", file.etag.encode()),
        (b"vary", b"accept-encoding"),
        (b"x-content-type-options", b"nosniff"),
    ]
    if file.etag.encode() in asked.get(b"if-none-match", b""):
        await _send(send, 304, headers, b"")
        return
    body = file.body
    if file.gzipped and b"gzip" in asked.get(b"accept-encoding", b""):
        body = file.gzipped
        headers.append((b"content-encoding", b"gzip"))
    await _send(send, 200, headers, body, head=scope["method"] == "HEAD")  # type: ignore[typeddict-item]


async def _send(
    send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes, *, head: bool = False
) -> None:
    start: Any = {
        "type": "http.response.start",
        "status": status,
        "headers": [*headers, (b"content-length", str(len(body)).encode())] if status != 304 else headers,
    }
    await send(start)
    await send({"type": "http.response.body", "body": b"" if head else body, "more_body": False})

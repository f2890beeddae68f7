"""docs/monitoring.md is kept true: its tables are the declared families, its code counts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.pack2.asgi_client import ask

from adaf.metrics.families import COUNTED, PROBED
from pack2.cache import Cache
from pack2.monitoring.families import PROCESS, SERVERS, Family
from pack2.services.ports import free_port

PAGE = (Path(__file__).parents[2] / "docs/monitoring.md").read_text(encoding="utf-8")


def row(family: Family) -> str:
    labels = ", ".join(f"`{label}`" for label in family.labels)
    return f"| `{family.name}` | {family.kind} | {labels} | {family.text} |"


def test_each_metric_has_its_row() -> None:
    """With kind, labels and text as they are exported, in the order of the declaration; and no other."""
    declared = [*PROCESS.values(), *SERVERS.values(), *COUNTED.values(), *PROBED.values()]
    assert re.findall(r"^\| `.*$", PAGE, flags=re.MULTILINE) == [row(family) for family in declared]


async def test_the_code_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's application has metrics for its token, though none of its servers answers."""
    monkeypatch.setenv("PACK2_METRICS_TOKEN", "token")

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def identify(_scope: Any) -> None:
        return None

    (code,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    async with Cache() as cache:
        names: dict[str, Any] = {
            "app": application,
            "identify": identify,
            "cache": cache,
            "database_url": f"postgresql://127.0.0.1:{free_port()}/none",
            "redis_url": f"redis://127.0.0.1:{free_port()}",
        }
        exec(code, names)
        await ask(names["app"], "/api/notes/7")
        found = (await ask(names["app"], "/api/metrics", "token")).body.decode()
    assert 'route="/api/notes/{note_id:int}",status="2xx"} 1.0' in found
    assert 'pack2_server_up{server="postgresql"} 0.0' in found

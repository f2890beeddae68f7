"""Runbooks and the troubleshooting page are true: every command in them is executed, on real servers."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adaf.sample import load
from monitors import running_dashboard
from pack2.cache import feed_schema
from pack2.config import load_config
from pack2.services import PostgresServer
from pack2.services.binaries import find_postgres
from pack2.services.ports import free_port

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "docs/troubleshooting.md", *sorted((ROOT / "docs/runbooks").glob("*.md")))
BLOCKS = [
    pytest.param(block, id=f"{page.name}:{number}")
    for page in PAGES
    for number, block in enumerate(re.findall(r"```bash\n(.*?)```", page.read_text(), re.DOTALL), 1)
]
REDIS_CLI = """#!{python}
import sys
import redis

_, flag, url, *command = sys.argv
assert flag == "-u"
print(redis.Redis.from_url(url).execute_command(*command))
"""


@pytest.fixture(scope="module")
def environment(
    postgres: PostgresServer, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """A loaded database, and on the path: our commands, PostgreSQL's own psql, a redis-cli."""
    programs = tmp_path_factory.mktemp("programs")
    (programs / "redis-cli").write_text(REDIS_CLI.format(python=sys.executable))
    (programs / "redis-cli").chmod(0o755)
    url = postgres.create_database("runbooks")
    load(url, size="tiny")
    path = os.pathsep.join(
        (str(programs), str(Path(sys.executable).parent), str(find_postgres().parent), os.environ["PATH"])
    )
    address, token = f"http://127.0.0.1:{free_port()}", "the scraper's"
    feed_schema.apply(url, load_config(ROOT / "pack2.toml").cache.feed)
    with running_dashboard(tmp_path_factory.mktemp("dashboard"), address, url, redis_url, token):
        yield {
            **os.environ,
            "PATH": path,
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "URL": address,
            "PACK2_METRICS_TOKEN": token,
            "PAGER": "",
        }
    postgres.drop_database("runbooks")


@pytest.mark.parametrize("block", BLOCKS)
def test_every_command_of_a_page_runs(block: str, environment: dict[str, str]) -> None:
    """As it stands there, in one shell, every line of it."""
    if "curl " in block and not shutil.which("curl"):
        pytest.skip("there is no curl here")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_pack2_command_that_a_page_names_exists(page: Path) -> None:
    """Those in running text too."""
    from pack2.cli import app

    for command in set(re.findall(r"`pack2 ([a-z]+)", page.read_text())):
        assert command in [name for name in app if not name.startswith("-")], command

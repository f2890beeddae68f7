"""Static files: their addresses, their caching and their compression."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import httpx
import pytest
from litestar import Litestar

import adaf.web
from adaf.web.static_files import read_tree, static_files, tree

STATIC = Path(adaf.web.__file__).parent / "static"


@pytest.fixture
async def client():
    transport = httpx.ASGITransport(app=Litestar([static_files], openapi_config=None))
    async with httpx.AsyncClient(transport=transport, base_url="http://adaf.test") as made:
        yield made


async def test_a_file_at_its_version_may_be_kept_for_ever(client):
    """The address changes with the content, so no browser ever has to ask again."""
    answer = await client.get(tree().url("adaf.css"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_file_at_an_older_version_is_served_and_not_kept(client):
    """A page from before a deployment gets its styles; the new file never hides behind the old address."""
    answer = await client.get("/static/000000000000/adaf.css")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"


async def test_compression_is_done_once_and_only_for_those_who_accept_it(client):
    """gzip for browsers, plain for others, the same bytes after decoding."""
    url = tree().url("vendor/uplot-1.6.32/uPlot.js")
    plain = await client.get(url, headers={"Accept-Encoding": "identity"})
    packed = await client.get(url, headers={"Accept-Encoding": "gzip, br"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert int(packed.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert packed.content == plain.content == (STATIC / "vendor/uplot-1.6.32/uPlot.js").read_bytes()
    assert plain.headers["vary"] == packed.headers["vary"] == "accept-encoding"


async def test_an_equal_file_is_not_sent_again(client):
    """304 for the ETag, without a body."""
    url = tree().url("adaf.css")
    first = await client.get(url)
    again = await client.get(url, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_head_has_the_headers_and_no_body(client):
    """HEAD answers as GET does."""
    answer = await client.head(tree().url("favicon.svg"))
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


@pytest.mark.parametrize(
    "path", ["nothing.css", "vendor/manifest.json", "../templating.py", "%2e%2e/templating.py", "js", ""]
)
async def test_only_files_for_the_browser_are_there(client, path):
    """Nothing outside of the tree is reachable, and no note inside of it."""
    assert (await client.get(f"/static/{tree().version}/{path}")).status_code == 404


async def test_files_are_only_read(client):
    """Another method is refused."""
    assert (await client.post(tree().url("adaf.css"))).status_code == 405


def test_the_version_changes_with_any_file(tmp_path):
    """One changed byte anywhere is another version of all, so relative imports are always of one kind."""
    (tmp_path / "a.js").write_text("1")
    first = read_tree(tmp_path)
    (tmp_path / "b.css").write_text("2")
    second = read_tree(tmp_path)
    (tmp_path / "a.js").write_text("3")
    assert len({first.version, second.version, read_tree(tmp_path).version}) == 3


def test_a_wrong_name_in_a_template_is_an_error():
    """An address is made for files that exist only."""
    with pytest.raises(KeyError):
        tree().url("adaf.scss")


def test_styles_and_modules_are_small():
    """The style sheet is below 25 KB, our modules below 38 KB in all, and both compress well."""
    css = tree().files["adaf.css"]
    modules = [file for path, file in tree().files.items() if path.startswith("js/")]
    assert len(css.body) < 25_000
    assert len(css.gzipped) < 6_000
    assert sum(len(file.body) for file in modules) < 38_000
    assert gzip.decompress(css.gzipped) == css.body


def test_modules_import_each_other_by_relative_path():
    """Each import stays inside its version, and names a file that is there."""
    for path in (STATIC / "js").glob("*.js"):
        for target in re.findall(r'(?:from|import\()? ?"(\.{1,2}/[^"]+)"', path.read_text()):
            assert (path.parent / target).resolve().is_file(), (path, target)

"""`pack2.toml`: what it accepts and how it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from pack2.config import load_config
from pack2.errors import ConfigurationError


def write(folder: Path, text: str) -> Path:
    """A `pack2.toml` with `text` in it."""
    path = folder / "pack2.toml"
    path.write_text(text)
    return path


def test_an_empty_file_is_a_configuration(tmp_path: Path) -> None:
    """Nothing is compulsory: without policies nothing is cached."""
    config = load_config(write(tmp_path, ""))
    assert config.http.policy == ()
    assert config.application is None


def test_policies_are_read_in_order(tmp_path: Path) -> None:
    """Each `[[http.policy]]` block is one policy."""
    text = '[[http.policy]]\nroute = "/a"\nscope = "shared"\n[[http.policy]]\nroute = "/b"\n'
    assert [policy.route for policy in load_config(write(tmp_path, text)).http.policy] == ["/a", "/b"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[http\n", "TOML|Expected"),
        ("[https]\n", "unknown field `https`"),
        ('[[http.policy]]\nroute = "/a"\nttl = 3\n', "unknown field `ttl`"),
        ("[cache]\nmemory_bytes = 'much'\n", "Expected `int`"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, reason: str) -> None:
    """A typing error is an error that names the file, never a setting silently ignored."""
    path = write(tmp_path, text)
    with pytest.raises(ConfigurationError, match=reason) as caught:
        load_config(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    """Without the file the error names it and the page that lists the settings."""
    with pytest.raises(ConfigurationError, match="no such file"):
        load_config(tmp_path / "pack2.toml")


def test_the_projects_own_file_is_valid() -> None:
    """The file that ADAF ships is read without complaint and names how to start the application."""
    config = load_config(Path(__file__).parents[3] / "pack2.toml")
    assert config.application is not None
    assert "{port}" in config.application.command

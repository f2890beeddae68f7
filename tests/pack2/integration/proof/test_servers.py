"""Starting, asking, comparing and painting the two variants of a real application."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import msgspec
import psutil
import pytest

from pack2.config import Application, load_config
from pack2.proof import pages
from pack2.proof.accounts import SignedIn, admitted, sign_in_all, write_private, write_tokens
from pack2.proof.client import send
from pack2.proof.databases import ensure_untuned
from pack2.proof.equality import compare
from pack2.proof.errors import ServerNotReadyError, SignInFailedError
from pack2.proof.model import Variant
from pack2.proof.servers import Server, running
from pack2.services import Services
from pack2.services.chromium import ChromiumMissingError, find_chromium

CONFIG = Path("tests/pack2/examples/notes/pack2.toml")
VARIANTS: tuple[Variant, ...] = ("before", "after")


def application() -> Application:
    found = load_config(CONFIG).application
    assert found is not None
    return found


@pytest.fixture(scope="module")
def variables(running_services: Services) -> dict[str, str]:
    return {
        "NOTES_PASSWORD": running_services.state.secret("notes_accounts"),
        "REDIS_URL": running_services.redis.url,
    }


@pytest.fixture(scope="module")
def url(running_services: Services) -> Iterator[str]:
    """A database of notes for this module."""
    server, name = running_services.postgres, f"notes_{os.getpid()}"
    ensure_untuned(server, application(), name, size="mini", seed=7, environment={})
    yield server.url(name)
    server.drop_database(name)


@pytest.fixture(scope="module")
def servers(
    url: str, variables: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[Variant, Server]]:
    """Both variants on one database."""
    logs = tmp_path_factory.mktemp("logs")
    with ExitStack() as stack:
        yield {
            variant: stack.enter_context(
                running(
                    application(),
                    variant,
                    database_url=url,
                    variables=variables,
                    cores=frozenset(),
                    log=logs / f"{variant}.log",
                )
            )
            for variant in VARIANTS
        }


def parameters(*paths: tuple[str, str]) -> dict[str, object]:
    samples = [{"name": f"GET {path}", "kind": kind, "path": path, "account": 0} for kind, path in paths]
    return {"samples": samples, "accounts": [{"token": "token-1"}]}


def test_equal_answers_are_equal_and_their_statements_counted(servers: Mapping[Variant, Server]) -> None:
    """Untuned one statement; tuned one on the miss and none on the hit; the page is never stored."""
    comparison = compare(servers, parameters(("api", "/api/notes"), ("page", "/")), "notes")
    assert comparison.different == ()
    assert comparison.compared == 2
    assert comparison.statements == {"GET /api/notes": (1, 1, 0), "GET /": (1, 1, 1)}


def test_an_answer_that_fails_is_a_difference(servers: Mapping[Variant, Server]) -> None:
    """What both refuse is told too: nothing was compared."""
    assert compare(servers, parameters(("api", "/absent")), "notes").different == (
        "GET /absent answered 404 untuned",
    )


def test_accounts_sign_in_until_there_are_no_more(
    servers: Mapping[Variant, Server], running_services: Services, tmp_path: Path
) -> None:
    """Ten are asked for and the sample has five; the tokens' file is private."""
    accounts = application().accounts
    assert accounts is not None
    door = sign_in_all(servers["before"].base_url, accounts, 10, running_services.state)
    assert [account.token for account in door.accounts] == [f"token-{number}" for number in range(1, 6)]
    assert len(door.sign_in_ms) == 5
    write_tokens(door, tmp_path / "tokens.json")
    assert (tmp_path / "tokens.json").stat().st_mode & 0o777 == 0o600
    assert SignedIn("load-1@test.invalid", "token-1") in door.accounts


def test_tokens_are_kept_while_they_are_good(
    servers: Mapping[Variant, Server], running_services: Services, tmp_path: Path
) -> None:
    """With `check`, the next proof signs nobody in; a token that is refused means signing in again."""
    declared = application().accounts
    assert declared is not None
    accounts = msgspec.structs.replace(declared, check="/api/notes")
    kept, base_url, state = tmp_path / "kept.json", servers["before"].base_url, running_services.state
    first = admitted(base_url, accounts, 3, state, kept)
    assert kept.stat().st_mode & 0o777 == 0o600
    assert admitted(base_url, accounts, 3, state, kept) == first
    spoiled = msgspec.structs.replace(
        first, accounts=(SignedIn("load-1@test.invalid", "bad"), *first.accounts[1:])
    )
    write_private(kept, msgspec.json.encode(spoiled))
    again = admitted(base_url, accounts, 3, state, kept)
    assert again.accounts == first.accounts
    assert again != first
    fewer = admitted(base_url, accounts, 10, state, kept)
    assert len(fewer.accounts) == 5
    assert admitted(base_url, accounts, 10, state, kept) == fewer


def test_a_refused_account_is_named(
    servers: Mapping[Variant, Server], running_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a wrong password the first account's name and the status are told."""
    accounts = application().accounts
    assert accounts is not None
    monkeypatch.setenv("NOTES_PASSWORD", "wrong")
    with pytest.raises(SignInFailedError, match=r"load-1@test\.invalid could not sign in: status 401"):
        sign_in_all(servers["before"].base_url, accounts, 1, running_services.state)


def test_a_server_ends_with_its_block(url: str, variables: dict[str, str], tmp_path: Path) -> None:
    """Afterwards its process is gone and nobody listens."""
    with running(
        application(),
        "before",
        database_url=url,
        variables=variables,
        cores=frozenset(),
        log=tmp_path / "log",
    ) as server:
        assert send(server.base_url, "/ready").status == 200
        assert server.alive
    assert not psutil.pid_exists(server.pid)
    assert send(server.base_url, "/ready", timeout_seconds=1).status == 0


def test_a_server_that_ends_at_once_is_told_with_its_last_line(
    variables: dict[str, str], tmp_path: Path
) -> None:
    """A wrong database URL: the application's own words, and where its log is."""
    database_url = "postgresql://nobody:x@127.0.0.1:1/none"
    with (
        pytest.raises(ServerNotReadyError, match=str(tmp_path / "log")),
        running(
            application(),
            "after",
            database_url=database_url,
            variables=variables,
            cores=frozenset(),
            log=tmp_path / "log",
        ),
    ):
        raise AssertionError


def test_pages_are_painted_first_and_again(servers: Mapping[Variant, Server]) -> None:
    """One paint time a page, variant and visit; a page that answers 404 is a failure with its status."""
    try:
        find_chromium()
    except ChromiumMissingError as error:
        pytest.skip(str(error))
    told: list[str] = []
    loads = pages.measure(
        servers, ["/", "/absent"], "notes", "token-1", 1, lambda what, _seconds: told.append(what)
    )
    for visit in (loads.first, loads.repeat):
        assert {key: len(times) for key, times in visit.items()} == {("/", "before"): 1, ("/", "after"): 1}
        assert all(times[0] > 10 for times in visit.values())
    assert sorted(loads.failures)[0] == "/absent of the after server: status 404"
    assert len(told) == 4
    assert [(row.page, row.variant) for row in loads.rows()] == [("/", "after"), ("/", "before")]
    assert [row.repeat_ms for row in loads.rows()] == [
        (loads.repeat["/", "after"][0],),
        (loads.repeat["/", "before"][0],),
    ]
    metrics = loads.metrics(["/"], -75.0)
    assert set(metrics) == {"page_load_first_ms", "page_load_repeat_ms"}
    assert loads.one_line[0] > 10
    assert metrics["page_load_repeat_ms"].note == f"a page of one line takes {loads.one_line[0]:.0f} ms"

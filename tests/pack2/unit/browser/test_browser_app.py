"""What the server tells a browser that it may keep, before an application of a few lines."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest
from asgi_client import Reply, ask

from pack2.browser import BrowserCache
from pack2.browser.app import session_key
from pack2.config import Browser, Config, Http, HttpPolicy
from pack2.http import Identity
from pack2.http.policy import PolicyError

ASKED_BY_WORKER = ("pack2-browser", "1")
POLICIES = (
    HttpPolicy(
        "/page/{number:int}",
        scope="private",
        ttl_seconds=60,
        stale_seconds=5,
        browser_seconds=600,
        tags=("page:{number}", "user:{identity}"),
    ),
    HttpPolicy("/sensitive", scope="private", ttl_seconds=60, sensitive=True),
    HttpPolicy("/shared", scope="shared", ttl_seconds=60),
)
CONFIG = Config(http=Http(session_cookie="sid", policy=POLICIES))


class App:
    """Answers with what the test says."""

    def __init__(self, config: Config = CONFIG, *, signed_in: bool = True) -> None:
        self.status = 200
        self.headers: list[tuple[bytes, bytes]] = []
        self.expires_in = 3600.0
        self.reached = 0
        self.signed_in = signed_in
        self.front = BrowserCache(self, config, identify=self.identify)

    async def identify(self, scope: Any) -> Identity | None:
        if not self.signed_in:
            return None
        return Identity("7", frozenset(), "session:7", time.time() + self.expires_in)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.reached += 1
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": b""})

    async def get(
        self, path: str, *headers: tuple[str, str], cookie: str = "sid=a", method: str = "GET"
    ) -> Reply:
        return await ask(self.front, path, method=method, headers=[("cookie", cookie), *headers])


def marks(reply: Reply) -> dict[str, str]:
    return {name: value for name, value in reply.headers.items() if name.startswith("pack2-")}


@pytest.mark.parametrize("status", [200, 304])
async def test_an_answer_says_whose_it_is_and_what_expires_it(status: int) -> None:
    """A 304 too: it renews what the browser holds."""
    app = App()
    app.status = status
    key = session_key([(b"cookie", b"sid=a")], b"sid")
    assert key is not None
    assert marks(await app.get("/page/3", ASKED_BY_WORKER)) == {
        "pack2-key": key.decode(),
        "pack2-tags": "page:3 user:7",
        "pack2-keep": "600 5",
    }


async def test_who_is_no_worker_is_told_nothing() -> None:
    """Other clients get the application's answer as it is."""
    assert marks(await App().get("/page/3")) == {}


@pytest.mark.parametrize("path", ["/sensitive", "/shared", "/nothing", "/page/3?a;b", "/page/x"])
async def test_a_route_whose_policy_does_not_allow_it_is_not_marked(path: str) -> None:
    """A policy for the server alone is none for the browser, and a sensitive route has to say so itself."""
    bare, _, query = path.partition("?")
    reply = await ask(App().front, bare, query=query, headers=[("cookie", "sid=a"), ASKED_BY_WORKER])
    assert marks(reply) == {}


@pytest.mark.parametrize("status", [201, 206, 302, 303, 401, 403, 404, 500, 503])
async def test_no_other_answer_is_marked(status: int) -> None:
    """Errors and redirections are not kept."""
    app = App()
    app.status = status
    assert marks(await app.get("/page/3", ASKED_BY_WORKER)) == {}


@pytest.mark.parametrize("header", [(b"Set-Cookie", b"sid=b"), (b"cache-control", b"private, No-Store")])
async def test_what_may_not_be_stored_is_not_marked(header: tuple[bytes, bytes]) -> None:
    """The answer's own word is above the policy."""
    app = App()
    app.headers = [header]
    assert marks(await app.get("/page/3", ASKED_BY_WORKER)) == {}


async def test_nobody_gets_no_mark() -> None:
    """No cookie, one that nobody knows, or somebody by another means than the cookie."""
    assert marks(await App(signed_in=False).get("/page/3", ASKED_BY_WORKER)) == {}
    assert marks(await App().get("/page/3", ASKED_BY_WORKER, cookie="other=a")) == {}
    assert marks(await App().get("/page/3", ASKED_BY_WORKER, ("authorization", "Bearer 8"))) == {}


async def test_who_names_the_session_and_is_repeated_to_it_alone() -> None:
    """The browser may answer by itself for a while, to the same cookie, while the session lasts."""
    app = App()
    reply = await app.get("/pack2/who")
    assert (reply.status, reply.body.decode()) == (200, session_key([(b"cookie", b"sid=a")], b"sid").decode())  # type: ignore[union-attr]
    assert (reply.headers["cache-control"], reply.headers["vary"]) == ("private, max-age=60", "Cookie")
    app.expires_in = 9.5
    assert (await app.get("/pack2/who")).headers["cache-control"] == "private, max-age=9"
    app.signed_in = False
    gone = await app.get("/pack2/who")
    assert (gone.status, gone.body, gone.headers["cache-control"]) == (200, b"", "no-store")


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("sid=a", "sid=b", False),
        ("sid=a", "theme=dark; sid=a", True),
        ("theme=dark", "", True),
        ("sid=a; sid=b", "sid=a", False),
        ("xsid=a", "", True),
    ],
)
def test_the_key_is_the_session_cookies(one: str, other: str, equal: bool) -> None:
    """Other cookies do not matter; without the session's there is no key."""
    first, second = (session_key([(b"cookie", text.encode())], b"sid") for text in (one, other))
    assert (first == second) is equal


def test_the_key_says_nothing_of_the_cookie() -> None:
    """It is shown to scripts, which the cookie is not."""
    key = session_key([(b"cookie", b"sid=letmein")], b"")
    assert key is not None
    assert b"letmein" not in key
    assert len(key) == 32


async def test_the_scripts_are_revalidated_and_state_the_settings() -> None:
    """The worker learns its bounds."""
    app = App(msgspec.structs.replace(CONFIG, browser=Browser(max_pages=5)))
    worker = await app.get("/pack2/worker.js")
    settings = msgspec.json.decode(worker.body.split(b"\n")[0].removeprefix(b"const SETTINGS = ")[:-1])
    assert settings["max_pages"] == 5
    assert (worker.headers["cache-control"], worker.headers["service-worker-allowed"]) == ("no-cache", "/")
    known = await app.get("/pack2/worker.js", ("if-none-match", worker.headers["etag"]))
    assert (known.status, known.body) == (304, b"")
    assert (await app.get("/pack2/browser.js", method="HEAD")).body == b""
    assert app.reached == 0


@pytest.mark.parametrize("name", ["worker.js", "browser.js"])
async def test_switched_off_it_serves_what_removes_the_worker(name: str) -> None:
    """By the setting, or because nobody says who asks; and it marks nothing."""
    off = msgspec.structs.replace(CONFIG, browser=Browser(enabled=False))
    by_setting, without = App(off), BrowserCache(App(), Config())
    for front in (by_setting.front, without):
        assert b"unregister" in (await ask(front, f"/pack2/{name}")).body
    assert b"unregister" not in (await App().get(f"/pack2/{name}")).body
    assert marks(await by_setting.get("/page/3", ASKED_BY_WORKER)) == {}
    await by_setting.get("/pack2/who")
    assert by_setting.reached == 2


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/pack2/who"), ("GET", "/pack2/other"), ("POST", "/page/3")]
)
async def test_everything_else_is_the_applications(method: str, path: str) -> None:
    """Its own addresses are read only."""
    app = App()
    await app.get(path, ASKED_BY_WORKER, method=method)
    assert app.reached == 1


@pytest.mark.parametrize(
    "policy",
    [
        HttpPolicy("/a", scope="public", ttl_seconds=1, browser_seconds=1),
        HttpPolicy("/a", browser_seconds=1),
        HttpPolicy("/a", scope="shared", ttl_seconds=1, browser_seconds=1, vary=("Accept-Language",)),
        HttpPolicy("/a", methods=("POST",), browser_seconds=1),
    ],
)
def test_a_policy_that_no_browser_could_keep_is_refused(policy: HttpPolicy) -> None:
    """Its address alone would not say which answer it is, or whose."""
    with pytest.raises(PolicyError, match="browser_seconds"):
        BrowserCache(App(), Config(http=Http(policy=(policy,))))

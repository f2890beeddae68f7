"""Sign-in, sessions, roles and the same-origin rule, over HTTP."""

from __future__ import annotations

from time import monotonic
from typing import Any

import httpx
import pytest

from adaf.auth.passwords import hash_password

PASSWORD = "correct horse"
EMAIL = "trader@adaf.test"


@pytest.fixture
async def signing(dashboard: Any) -> Any:
    """A dashboard whose named trader has a password."""
    await dashboard.sql.execute(
        "UPDATE users SET password_hash = $1 WHERE email = $2 OR is_test_account",
        hash_password(PASSWORD),
        EMAIL,
    )
    return dashboard


async def sign_in(dashboard: Any, email: str = EMAIL, password: str = PASSWORD) -> httpx.Response:
    answer: httpx.Response = await dashboard.client.post(
        "/api/auth/sign-in", json={"email": email, "password": password}
    )
    dashboard.client.cookies.clear()
    return answer


async def test_a_session_from_sign_in_to_sign_out(signing: Any) -> None:
    """The token works as bearer and cookie, is stored only as a hash, and is worth nothing after sign-out."""
    answer = await sign_in(signing)
    assert answer.status_code == 200
    token = answer.json()["token"]
    assert len(token) == 43
    assert answer.headers["cache-control"] == "no-store"
    cookie = answer.headers["set-cookie"]
    assert f"adaf_session={token};" in cookie
    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    stored = await signing.sql.fetchval("SELECT string_agg(encode(token_hash, 'escape'), '') FROM sessions")
    assert token not in stored

    for headers in ({"Authorization": f"Bearer {token}"}, {"Cookie": f"adaf_session={token}"}):
        me = await signing.client.get("/api/auth/me", headers=headers)
        assert me.json()["user"]["email"] == EMAIL
        assert me.json()["recent_sign_ins"][0]["address"] == "127.0.0.1"
    out = await signing.client.post("/api/auth/sign-out", headers={"Authorization": f"Bearer {token}"})
    assert out.status_code == 204
    assert "Max-Age=0" in out.headers["set-cookie"]
    me = await signing.client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 401
    assert me.headers["www-authenticate"].startswith("Bearer")


async def test_under_https_the_cookie_is_secure(signing: Any) -> None:
    """Over https the cookie never travels in the clear."""
    answer = await signing.client.post(
        "https://adaf.test/api/auth/sign-in", json={"email": EMAIL, "password": PASSWORD}
    )
    assert "Secure" in answer.headers["set-cookie"]


@pytest.mark.parametrize(("email", "password"), [(EMAIL, "wrong"), ("nobody@adaf.test", PASSWORD)])
async def test_wrong_and_unknown_look_alike(signing: Any, email: str, password: str) -> None:
    """A wrong password and an unknown address get the same answer."""
    answer = await sign_in(signing, email, password)
    assert answer.status_code == 401
    assert answer.json()["detail"] == "The e-mail address or the password is wrong."


async def test_an_ended_session_is_none(signing: Any) -> None:
    """A session ends at its absolute time, whatever it was used for."""
    token = (await sign_in(signing)).json()["token"]
    await signing.sql.execute("UPDATE sessions SET expires_at = now() - interval '1 second'")
    answer = await signing.client.get("/api/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


async def test_whoever_knows_the_password_is_no_attack(signing: Any) -> None:
    """An office behind one address signs in at nine: what succeeds does not count; what fails still does."""
    morning = [(await sign_in(signing)).status_code for _ in range(25)]
    assert set(morning) == {200}
    started, guesses = monotonic(), 0
    while (await sign_in(signing, f"guess-{guesses}@adaf.test", "wrong")).status_code == 401:
        guesses += 1
        assert guesses <= 21 + (monotonic() - started) / 3  # one more every 3 seconds
    assert guesses >= 20


async def test_too_many_attempts_at_an_account(signing: Any) -> None:
    """After a burst of wrong passwords an account has to wait; other accounts do not."""
    answers = [await sign_in(signing, EMAIL, "wrong") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
    assert (await sign_in(signing, "viewer@adaf.test", "wrong")).status_code == 401


async def test_the_load_test_may_sign_in_often(signing: Any) -> None:
    """Test accounts on this machine are not limited; nobody else's are."""
    email = await signing.sql.fetchval("SELECT email FROM users WHERE is_test_account ORDER BY id LIMIT 1")
    assert {(await sign_in(signing, email)).status_code for _ in range(25)} == {200}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Origin": "http://adaf.test"}, 204),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
    ],
)
async def test_a_cookie_is_only_for_our_own_pages(signing: Any, headers: dict[str, str], status: int) -> None:
    """A request with the cookie changes something only when it comes from our own pages."""
    token = (await sign_in(signing)).json()["token"]
    cookie = {"Cookie": f"adaf_session={token}"}
    answer = await signing.client.post("/api/auth/sign-out", headers=cookie | headers)
    assert answer.status_code == status
    still = await signing.client.get("/api/auth/me", headers=cookie)
    assert still.status_code == (200 if status == 403 else 401)


@pytest.mark.parametrize(("role", "status"), [("viewer", 403), ("trader", 403), ("operator", 422)])
async def test_only_operators_record_bars(dashboard: Any, user: Any, role: str, status: int) -> None:
    """Ingestion needs the role operator; the others learn which one."""
    bar = {
        "symbol": "NOPE",
        "ts": "2026-10-01T00:00:00Z",
        "open": 1,
        "high": 1,
        "low": 1,
        "close": 1,
        "volume": 1,
    }
    await dashboard.post(await user(role), "/api/market/bars", {"bars": [bar]}, status=status)

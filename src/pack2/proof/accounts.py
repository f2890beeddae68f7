"""Signs the test accounts in through the application's own door, once, before anything is measured.

It happens in the untuned original, so that both copies know the same sessions. Password hashing takes its
time on
purpose; that time is a metric of its own and no part of any latency.
"""

from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec

from pack2.config import Accounts
from pack2.proof.client import send
from pack2.proof.errors import SignInFailedError
from pack2.services.state import State

_AT_ONCE = 4


class SignedIn(msgspec.Struct, frozen=True):
    """One account's token; never written anywhere but to the generator's private file."""

    email: str
    token: str
    role: str | None = None


class Door(msgspec.Struct, frozen=True):
    """The signed-in accounts and what one sign-in took; `asked` numbered ones were wanted."""

    accounts: tuple[SignedIn, ...]
    sign_in_ms: tuple[float, ...]
    asked: int = 0


def password(accounts: Accounts, state: State) -> str:
    """The test accounts' password: from `password_variable` where it is set, else the state folder's
    secret."""
    return os.environ.get(accounts.password_variable or "", "") or state.secret(accounts.secret)


def sign_in_all(base_url: str, accounts: Accounts, count: int, state: State) -> Door:
    """Sign in accounts 1 … `count` and the named others. Fewer are fine (a small sample has fewer: after four
    that are refused there are no more); none is an error."""
    secret = password(accounts, state)
    emails = [accounts.email.format(number=number) for number in range(1, count + 1)]
    first = _attempt(base_url, accounts, emails[0], secret)
    if isinstance(first, str):
        raise SignInFailedError(email=emails[0], reason=first)
    others = [(other.email, state.secret(other.secret)) for other in accounts.others]
    wanted = [(email, secret) for email in emails[1:]]
    done = [first]
    with ThreadPoolExecutor(_AT_ONCE) as pool:

        def admit(pairs: list[tuple[str, str]]) -> list[tuple[SignedIn, float]]:
            answers = pool.map(lambda pair: _attempt(base_url, accounts, *pair), pairs)
            return [answer for answer in answers if not isinstance(answer, str)]

        for place in range(0, len(wanted), _AT_ONCE):
            admitted_now = admit(wanted[place : place + _AT_ONCE])
            done += admitted_now
            if not admitted_now:
                break
        done += admit(others)
    return Door(tuple(account for account, _ in done), tuple(ms for _, ms in done), count)


def admitted(base_url: str, accounts: Accounts, count: int, state: State, kept: Path) -> Door:
    """Sign in, or use the tokens that `kept` holds from the last proof where they are still good."""
    door = _kept(kept) if accounts.check else None
    first = accounts.email.format(number=1)
    if door is not None and door.asked >= count and _is_good(base_url, accounts.check, door, first):
        return door
    door = sign_in_all(base_url, accounts, count, state)
    if accounts.check:
        write_private(kept, msgspec.json.encode(door))
    return door


def write_tokens(door: Door, path: Path) -> None:
    """The generator's TOKENS_FILE, readable by its owner alone."""
    write_private(path, msgspec.json.encode(door.accounts))


def write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)


def _kept(path: Path) -> Door | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Door)
    except (OSError, msgspec.DecodeError):
        return None


def _is_good(base_url: str, check: str, door: Door, first: str) -> bool:
    """The accounts are those that are meant, and every token is accepted."""
    if door.accounts[0].email != first:
        return False

    def answers(account: SignedIn) -> bool:
        headers = {"Authorization": f"Bearer {account.token}"}
        return send(base_url, check, headers=headers).status == 200

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return all(pool.map(answers, door.accounts))


def _attempt(base_url: str, accounts: Accounts, email: str, secret: str) -> tuple[SignedIn, float] | str:
    body = json.dumps({"email": email, "password": secret}).encode()
    headers = {"Content-Type": "application/json"}
    started = time.perf_counter()
    answer = send(base_url, accounts.sign_in, method="POST", headers=headers, body=body)
    took_ms = 1000 * (time.perf_counter() - started)
    if not 200 <= answer.status < 300:
        return f"status {answer.status}: {answer.body[:300].decode(errors='replace')}"
    content: dict[str, Any] = json.loads(answer.body)
    user = content.get("user")
    role = user.get("role") if isinstance(user, dict) else None
    return SignedIn(email=email, token=content[accounts.token_field], role=role), took_ms

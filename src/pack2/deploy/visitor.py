"""A test account that asks the running application for what its cache policies name.

Paths with parameters are filled from the load test's own samples: what `discover` of the script found through
the API. What nothing names a value for is said, never guessed.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from pack2.config import HttpPolicy
from pack2.deploy.model import Target
from pack2.http.policy import compile_policies
from pack2.loadtest.site import SEED, refuse_others
from pack2.proof.accounts import Door, password, sign_in_all, write_tokens
from pack2.proof.client import Answer, send
from pack2.proof.stage import discover

_PARAMETER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)(?::int)?\}")
_SIGNED_IN: Final = ("shared", "group", "private")


class Question(msgspec.Struct, frozen=True):
    """One policy's route and a path of it; "" where nothing names its parameters."""

    route: str
    path: str


class Visitor:
    """Asks `base_url`, signed in where there is a test account. `samples` are paths of the load test."""

    def __init__(self, base_url: str, headers: Mapping[str, str], samples: tuple[str, ...] = ()) -> None:
        self.base_url = base_url
        self.samples = samples
        self._headers = headers

    @property
    def is_signed_in(self) -> bool:
        return bool(self._headers)

    def with_samples(self, samples: tuple[str, ...]) -> Visitor:
        return Visitor(self.base_url, self._headers, samples)

    def ask(self, path: str) -> Answer:
        return send(self.base_url, path, headers=self._headers, timeout_seconds=30)


def signed_in(target: Target) -> tuple[Visitor, Door | None]:
    """The first test account, where there are any, and how it came in. Raises SignInFailedError."""
    url = target.application_url()
    application = target.config.application
    assert application is not None
    if application.accounts is None:
        return Visitor(url, {}), None
    refuse_others(application.accounts)
    ours = msgspec.structs.replace(application.accounts, others=())
    door = sign_in_all(url, ours, 1, target.services.state)
    token = door.accounts[0].token
    headers = {"Authorization": f"Bearer {token}"}
    if ours.cookie:
        headers["Cookie"] = f"{ours.cookie}={token}"
    return Visitor(url, headers), door


def visitor(target: Target) -> Visitor:
    """The same, with the load test's samples of paths. Raises SignInFailedError, LoadScriptError."""
    found, door = signed_in(target)
    application = target.config.application
    assert application is not None
    if door is None or application.accounts is None or not application.load_test:
        return found
    with tempfile.TemporaryDirectory(prefix="pack2-deploy-") as folder:
        tokens, parameters = Path(folder, "tokens.json"), Path(folder, "parameters.json")
        write_tokens(door, tokens)
        variables = {
            "TOKENS_FILE": str(tokens),
            "PARAMETERS_FILE": str(parameters),
            "SEED": str(SEED),
            "ACCOUNT_PASSWORD": password(application.accounts, target.services.state),
        }
        known: dict[str, Any] = discover(Path(application.load_test).resolve(), found.base_url, variables)
    return found.with_samples(tuple(str(sample["path"]) for sample in known["samples"]))


def questions(
    policies: Iterable[HttpPolicy], samples: Iterable[str], *, is_signed_in: bool
) -> tuple[Question, ...]:
    """One question a policy that stores answers; policies that need a sign-in only where there is one."""
    declared = tuple(policies)
    reads, _ = compile_policies(declared)
    values: dict[str, str] = {}
    known: dict[str, str] = {}
    for sample in samples:
        match = reads.find(sample.partition("?")[0])
        if match is not None:
            known.setdefault(match.target.route, sample)
            values = match.parameters | values
    return tuple(
        Question(policy.route, known.get(policy.route) or _filled(policy.route, values))
        for policy in declared
        if "GET" in policy.methods
        and policy.scope != "none"
        and (is_signed_in or policy.scope not in _SIGNED_IN)
    )


def _filled(route: str, values: Mapping[str, str]) -> str:
    if any(name not in values for name in _PARAMETER.findall(route)):
        return ""
    return _PARAMETER.sub(lambda match: values[match[1]], route)

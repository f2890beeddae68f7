"""What the tests on real servers share."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def patient_feed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change feed that outlasts a busy machine: where a proof comes late the cache is bypassed, as it
    should, and whoever counts on a hit gets none. Modules about that have a `patient_feed` of their own.
    """
    monkeypatch.setattr("pack2.cache.feed.TRUST_SECONDS", 60.0)
    monkeypatch.setattr("pack2.cache.feed.ANSWER_SECONDS", 30.0)

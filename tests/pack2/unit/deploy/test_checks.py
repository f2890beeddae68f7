"""What fails is told with what to do; what nobody can know fails nothing."""

from __future__ import annotations

from pack2.deploy.checks import Check, problems


def test_only_failures_are_problems() -> None:
    """A pass and an unknown stop no deployment."""
    asked = [
        Check("Redis answers", "pass", "Valkey 9"),
        Check("Grafana loads", "unknown", "GRAFANA_URL is not set", "Set it."),
        Check("The role owns the tables", "fail", "not: public.trades", "Use the owner."),
    ]
    assert problems(asked) == "The role owns the tables: not: public.trades. Use the owner."
    assert problems(asked[:2]) == ""

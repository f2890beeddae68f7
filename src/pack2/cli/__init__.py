"""The command `pack2`: one file a command group, no logic. Failures are one line on stderr and exit code 2."""

from __future__ import annotations

import sys

from cyclopts import App

from pack2 import __version__
from pack2.errors import Pack2Error

app = App(name="pack2", version=__version__, help="Measure, propose, apply, prove, keep or take back.")


def main() -> None:
    """Run one command; exit 0 done, 1 judged and failed, 2 invalid input or environment."""
    sys.exit(run(app))


def run(command: App, tokens: list[str] | None = None) -> int:
    """Run `command` and turn its failures into an exit code and one line."""
    try:
        result = command(tokens, result_action="return_value")
    except Pack2Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0

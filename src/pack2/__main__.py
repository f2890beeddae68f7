"""`python -m pack2` is the command `pack2`: a command that starts another one needs no search path."""

from __future__ import annotations

from pack2.cli import main

main()

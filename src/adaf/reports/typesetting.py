"""Typesetting in a process of its own, with little memory and time, no network, no files to write.

This module is both sides: `typeset` starts the process, and run as a program it is that process. The program
imports nothing of the dashboard, so that it starts quickly.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Final

TEMPLATE: Final = Path(__file__).with_name("statement.typ")
MOST_MEMORY_BYTES: Final = 1024 * 1024 * 1024
MOST_CPU_SECONDS: Final = 20
MOST_SECONDS: Final = 30.0
_NOWHERE: Final = "/nonexistent"


class TypesettingError(Exception):
    """The document could not be typeset."""


async def typeset(data: bytes, *, seconds: float = MOST_SECONDS) -> bytes:
    """The PDF of the document in `data` (JSON). Raises TypesettingError; the process ends with the call."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-IB",
        str(Path(__file__)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"HOME": _NOWHERE, "RAYON_NUM_THREADS": "1"},
        cwd="/",
    )
    try:
        pdf, told = await asyncio.wait_for(process.communicate(data), seconds)
    except TimeoutError:
        raise TypesettingError(f"it took longer than {seconds:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode or not pdf.startswith(b"%PDF-"):
        lines = told.decode(errors="replace").strip().splitlines()
        raise TypesettingError(lines[-1][:300] if lines else f"it ended with {process.returncode}")
    return pdf


def _limit() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_CPU_SECONDS, MOST_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _main() -> None:
    _limit()
    import typst

    data = sys.stdin.buffer.read().decode()
    compiler = typst.Compiler(
        TEMPLATE.read_bytes(),
        ignore_system_fonts=True,
        sys_inputs={"data": data},
        package_path=_NOWHERE,
        package_cache_path=_NOWHERE,
    )
    pdf = compiler.compile(format="pdf", timestamp=0)
    assert isinstance(pdf, bytes)
    sys.stdout.buffer.write(pdf)


if __name__ == "__main__":
    _main()

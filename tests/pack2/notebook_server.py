"""The notebook application as a process of its own: `python notebook_server.py PORT DATABASE_URL
REDIS_URL`.
"""

from __future__ import annotations

import asyncio
import sys

import asyncpg
import uvicorn
from notebook import Notebook, config

from pack2.http import from_config


async def main(port: int, database: str, redis_url: str) -> None:
    async with asyncpg.create_pool(database, min_size=1, max_size=4) as pool:
        notebook = Notebook(pool)
        app = from_config(
            notebook.app, config(), database_url=database, redis_url=redis_url, identify=notebook.identify
        )
        await uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning")).serve()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))

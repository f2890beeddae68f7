"""`python -m pack2.services`: the servers of `.pack2` in the foreground, and their URLs for other programs."""

from __future__ import annotations

import signal
import sys
import threading

from pack2.errors import Pack2Error
from pack2.services import services


def main() -> int:
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGINT, lambda *_: ended.set())
    try:
        with services(database_url=None, redis_url=None) as found:
            if not found.postgres.exists(found.postgres.database):
                found.postgres.create_database(found.postgres.database)
            print(f"export DATABASE_URL='{found.postgres.url()}' REDIS_URL='{found.redis.url}'", flush=True)
            ended.wait()
    except Pack2Error as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


sys.exit(main())

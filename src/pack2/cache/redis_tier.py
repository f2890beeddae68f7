"""The Redis tier: one store for all processes, trusted only as far as this process has told it what it knows.

Each tag has a generation in Redis, a random number; expiring a tag deletes it, and the next load draws a new
one. An entry carries the generations read before its load and is fresh only while they are equal. So an
evicted, flushed or restored generation can only expire too much. `DEL` is idempotent and passes when memory
is full: every process deletes on every message of the change feed, and reads nothing before its own deletions
are acknowledged.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any, Final

import msgspec
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from pack2.cache.breaker import Breaker

log = logging.getLogger("pack2.cache")

COMMAND_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 0.1
GENERATION_MILLISECONDS: Final = 24 * 3600 * 1000
LEASE_MILLISECONDS: Final = 3000
PASS_MILLISECONDS: Final = 2000
MOST_PENDING_TAGS: Final = 10_000
FORMAT: Final = "1"

# KEYS entry, lease, incarnation, tags…; ARGV random, token, lease ms, generation ms.
# → {entry bytes or false, its remaining ms, 1 leased / 0 another's / -1 not storable, generations}
OPEN = """
local seen = {}
for i = 3, #KEYS do
  local generation = redis.call('GET', KEYS[i])
  if not generation then
    generation = ARGV[1] .. ':' .. i
    if i == 3 then redis.call('SET', KEYS[i], generation)
    else redis.call('SET', KEYS[i], generation, 'PX', ARGV[4]) end
  end
  seen[#seen + 1] = generation
end
local generations = table.concat(seen, ',')
local stored = redis.call('HMGET', KEYS[1], 'g', 'v')
if stored[1] == generations then return {stored[2], redis.call('PTTL', KEYS[1]), 0, generations} end
local holder = redis.call('GET', KEYS[2])
if holder == 'pass' then return {false, 0, -1, generations} end
if holder then return {false, 0, 0, generations} end
redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
return {false, 0, 1, generations}
"""

# KEYS entry, lease, incarnation, tags…; ARGV generations, token, life ms, value. Refused when a tag moved.
STORE = """
if redis.call('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[2]) end
local seen = {}
for i = 3, #KEYS do seen[#seen + 1] = redis.call('GET', KEYS[i]) or '' end
if table.concat(seen, ',') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'g', ARGV[1], 'v', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""

# KEYS lease; ARGV token, pass ms (0: just release).
RELEASE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], 'pass', 'PX', ARGV[2]) end
return 1
"""


class RedisDownError(Exception):
    """Redis can not be asked now: the caller goes on without it."""


class Opened(msgspec.Struct, frozen=True):
    """What Redis knew of a key: its fresh `value` with the life that remains, or who may load it."""

    value: bytes | None
    remaining_seconds: float
    leased: bool
    not_storable: bool
    generations: bytes
    token: str
    keys: tuple[str, ...]


class RedisTier:
    """Entries and tag generations below `namespace`. Nothing here raises but RedisDownError."""

    def __init__(self, url: str, *, namespace: str = "pack2") -> None:
        self._prefix = f"{namespace}:{FORMAT}:"
        self._incarnation_key = self._prefix + "incarnation"
        self._run_key = self._prefix + "run"
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=32,
            timeout=COMMAND_SECONDS,
            socket_timeout=COMMAND_SECONDS,
            socket_connect_timeout=COMMAND_SECONDS,
            retry=Retry(NoBackoff(), 0),
            redis_connect_func=self._on_connect,
        )
        self._redis: Redis = Redis(connection_pool=pool)
        self._open = self._redis.register_script(OPEN)
        self._store = self._redis.register_script(STORE)
        self._release = self._redis.register_script(RELEASE)
        self.breaker = Breaker()
        self.maxmemory_policy = ""
        self.errors = 0
        self._pending: set[str] = set()
        self._pending_flush = True
        self._sending = False
        self._sender: asyncio.Task[None] | None = None
        self._retry: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin: what Redis holds was stored while this process did not listen, so it is expired first."""
        with suppress(RedisDownError):
            await self.settle()
        with suppress(RedisDownError):
            await self._check_policy()

    async def stop(self) -> None:
        for task in (self._sender, self._retry):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError, RedisDownError):
                    await task
        await self._redis.aclose(close_connection_pool=True)

    # Expiring

    def advance(self, names: Iterable[str]) -> None:
        """Expire tags; sent at once, in one command for all that came together. Reads wait for it."""
        self._pending.update(names)
        if len(self._pending) > MOST_PENDING_TAGS:
            self.flush()
        self._send_soon()

    def flush(self) -> None:
        """Expire every entry of every process."""
        self._pending.clear()
        self._pending_flush = True
        self._send_soon()

    @property
    def unsettled(self) -> bool:
        """True while this process knows of an expiry that Redis has not acknowledged."""
        return self._sending or self._pending_flush or bool(self._pending)

    async def settle(self) -> None:
        """Return when Redis knows all that this process knows. Raises RedisDownError."""
        while self.unsettled:
            await asyncio.shield(self._send_soon())

    # Entries

    async def open(self, digest: str, tags: Sequence[str]) -> Opened:
        """Read an entry with its tags' generations, or take the lease to load it: one round trip."""
        await self.settle()
        token = secrets.token_hex(8)
        keys = (
            f"{self._prefix}e:{digest}",
            f"{self._prefix}l:{digest}",
            self._incarnation_key,
            *map(self._tag, tags),
        )
        args = (secrets.token_hex(8), token, LEASE_MILLISECONDS, GENERATION_MILLISECONDS)
        value, remaining_ms, lease, generations = await self._ask(self._open(keys=keys, args=args))
        if self.unsettled:
            value = None
        return Opened(value, remaining_ms / 1000, lease == 1, lease == -1, generations, token, keys)

    async def store(self, opened: Opened, value: bytes, life_seconds: float) -> bool:
        """Store what was loaded after `opened`, unless a tag was expired meanwhile; gives the lease back."""
        args = (opened.generations, opened.token, max(1, int(life_seconds * 1000)), value)
        return bool(await self._ask(self._store(keys=opened.keys, args=args)))

    async def release(self, opened: Opened, *, not_storable: bool) -> None:
        """Give the lease back with nothing stored; `not_storable` lets all others load at once for some
        seconds.
        """
        args = (opened.token, PASS_MILLISECONDS if not_storable else 0)
        await self._ask(self._release(keys=opened.keys[1:2], args=args))

    async def delete(self, digest: str) -> None:
        await self._ask(self._redis.delete(f"{self._prefix}e:{digest}"))

    async def add(self, name: str, counts: Mapping[str, int], *, since: float, keep_until: int) -> None:
        """Add `counts` to the hash `name`, which is kept until that second of the epoch.

        By commands that no answer of the application uses: load tests count those, and this comes by the
        clock.
        """
        async with self._redis.pipeline(transaction=True) as pipeline:
            for field, number in counts.items():
                pipeline.hincrby(self._prefix + name, field, number)
            pipeline.hsetnx(self._prefix + name, "since", since)
            pipeline.expireat(self._prefix + name, keep_until)
            await self._ask(pipeline.execute())

    # What serves the above

    def _tag(self, name: str) -> str:
        return f"{self._prefix}t:{blake2b(name.encode(), digest_size=12).hexdigest()}"

    def _send_soon(self) -> asyncio.Task[None]:
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
            self._sender.add_done_callback(_retrieve)
        return self._sender

    async def _send(self) -> None:
        try:
            while self._pending or self._pending_flush:
                await self._send_once()
        except RedisDownError:
            if self._retry is None or self._retry.done():
                self._retry = asyncio.create_task(self._send_again())
            raise

    async def _send_once(self) -> None:
        names, self._pending = self._pending, set()
        flush, self._pending_flush = self._pending_flush, False
        self._sending = True
        try:
            if flush:
                await self._ask(self._redis.set(self._incarnation_key, secrets.token_hex(8)))
            elif names:
                await self._ask(self._redis.delete(*map(self._tag, names)))
        except BaseException:
            self._pending |= names
            self._pending_flush |= flush
            raise
        finally:
            self._sending = False

    async def _send_again(self) -> None:
        """Keep trying in the background, so that Redis is in use again soon after its return."""
        while self.unsettled:
            await asyncio.sleep(RETRY_SECONDS)
            with suppress(RedisDownError):
                await self.settle()

    async def _ask(self, command: Any) -> Any:
        if not self.breaker.allows():
            command.close()
            raise RedisDownError
        try:
            async with asyncio.timeout(2 * COMMAND_SECONDS):
                answer = await command
        except ResponseError as error:
            self.errors += 1
            raise RedisDownError from error
        except (RedisError, OSError, TimeoutError) as error:
            self.errors += 1
            was_closed = self.breaker.is_closed
            self.breaker.failed()
            if was_closed and not self.breaker.is_closed:
                log.warning("redis is not answering (%s); going on without it", type(error).__name__)
            raise RedisDownError from error
        self.breaker.succeeded()
        return answer

    async def _on_connect(self, connection: Any) -> None:
        """Each new connection compares the server's run id: a restarted Redis may have brought back old
        entries.
        """
        await connection.on_connect()
        info: bytes = await _call(connection, "INFO", "server")
        run_id = next(line[7:] for line in info.splitlines() if line.startswith(b"run_id:"))
        if await _call(connection, "GET", self._run_key) != run_id:
            await _call(connection, "SET", self._incarnation_key, secrets.token_hex(8))
            await _call(connection, "SET", self._run_key, run_id)

    async def _check_policy(self) -> None:
        try:
            config = await self._ask(self._redis.config_get("maxmemory*"))
        except RedisDownError:
            return
        policy = config.get("maxmemory-policy", "")
        self.maxmemory_policy = policy.decode() if isinstance(policy, bytes) else policy
        if self.maxmemory_policy == "noeviction" and int(config.get("maxmemory", 0)):
            log.warning("redis maxmemory-policy is noeviction: a full Redis refuses entries; set allkeys-lfu")


async def _call(connection: Any, *command: str | bytes) -> Any:
    await connection.send_command(*command)
    return await connection.read_response()


def _retrieve(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()

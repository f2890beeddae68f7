"""A client that behaves at random, and the oracle that judges every answer it gets: whose it is, and how
old.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from time import monotonic

from asgi_client import Reply, ask
from notebook import World

ELSEWHERE_SECONDS = 0.5
"""What another worker may lag here. 50 ms are promised and measured apart; this bound holds on a busy
machine too.
"""


class History:
    """When each version of one thing was answered, by worker and anywhere."""

    def __init__(self, workers: int) -> None:
        self._times: list[list[float]] = [[] for _ in range(workers)]
        self._versions: list[list[int]] = [[] for _ in range(workers)]

    def add(self, worker: int, version: int) -> None:
        self._times[worker].append(monotonic())
        self._versions[worker].append(max([version, *self._versions[worker][-1:]]))

    def least(self, worker: int, asked_at: float) -> int:
        """The version below which an answer of `worker` to a request made at `asked_at` is too old."""
        least = 0
        for other, times in enumerate(self._times):
            known_at = asked_at if other == worker else asked_at - ELSEWHERE_SECONDS
            count = bisect_right(times, known_at)
            least = max([least, *self._versions[other][:count][-1:]])
        return least


class Fuzz:
    """`clients` at once ask `world` until `requests` are made; `violations` says what was wrong."""

    def __init__(self, world: World, *, users: int, seed: int) -> None:
        self.world = world
        self.users = users
        self.violations: list[str] = []
        self.asked = 0
        self.hits = 0
        self._seed = seed
        workers = len(world.workers)
        self._notes = {user * 10 + n: History(workers) for user in range(1, users + 1) for n in range(2)}
        self._board = History(workers)

    async def run(self, requests: int, clients: int) -> None:
        await asyncio.gather(*(self._client(number, requests // clients) for number in range(clients)))

    async def _client(self, number: int, requests: int) -> None:
        choose = random.Random(f"{self._seed}-{number}")
        user = 1 + number % self.users
        token = await self.world.sign_in(user)
        for _ in range(requests):
            worker = choose.randrange(len(self.world.workers))
            action = choose.random()
            if action < 0.02:
                await self._sign_out(worker, token)
                user = choose.randint(1, self.users)
                token = await self.world.sign_in(user)
            elif action < 0.10:
                await self._write(worker, user, token, choose)
            else:
                await self._read(worker, user, token, choose)

    async def _ask(self, worker: int, path: str, token: str, method: str = "GET") -> Reply:
        self.asked += 1
        reply = await ask(self.world.workers[worker], path, token, method=method)
        self.hits += reply.is_hit
        return reply

    async def _read(self, worker: int, user: int, token: str, choose: random.Random) -> None:
        note = choose.randint(1, self.users) * 10 + choose.randrange(2)
        path = choose.choice([f"/notes/{note}", f"/notes/{user * 10}", "/mine", "/board"])
        asked_at = monotonic()
        reply = await self._ask(worker, path, token)
        if path.startswith("/notes/") and int(path[7:]) // 10 != user:
            self._expect(reply.status == 404, f"{path} was answered {reply.status} to user {user}")
            return
        self._expect(reply.status == 200, f"{path} was answered {reply.status} to its user {user}")
        if reply.status != 200:
            return
        owner, version = reply.json["owner"], reply.json["version"]
        self._expect(owner in (user, None), f"user {user} got what is {owner}'s: {path} {reply.cache_status}")
        least = self._least(path, user, worker, asked_at)
        self._expect(version >= least, f"{path} shows {version}, {least} was known: {reply.cache_status}")

    def _least(self, path: str, user: int, worker: int, asked_at: float) -> int:
        if path == "/board":
            return self._board.least(worker, asked_at)
        if path == "/mine":
            return sum(self._notes[user * 10 + number].least(worker, asked_at) for number in range(2))
        return self._notes[int(path[7:])].least(worker, asked_at)

    async def _write(self, worker: int, user: int, token: str, choose: random.Random) -> None:
        note = user * 10 + choose.randrange(2)
        path, history = choose.choice([(f"/notes/{note}", self._notes[note]), ("/board", self._board)])
        reply = await self._ask(worker, path, token, "POST")
        self._expect(reply.status == 200, f"POST {path} was answered {reply.status}")
        history.add(worker, reply.json["version"])

    async def _sign_out(self, worker: int, token: str) -> None:
        await self._ask(worker, "/sign-out", token, "POST")
        reply = await self._ask(worker, "/mine", token)
        self._expect(reply.status == 401, "a signed-out token was still good in the same worker")
        left_at = monotonic()
        for other in range(len(self.world.workers)):
            while (reply := await self._ask(other, "/mine", token)).status != 401:
                if monotonic() > left_at + ELSEWHERE_SECONDS:
                    self._expect(False, "a signed-out token was still good in another worker")
                    break
                await asyncio.sleep(0.002)

    def _expect(self, truth: bool, otherwise: str) -> None:
        if not truth:
            self.violations.append(otherwise)

"""A hall without browsers: many visitors at once, each with numbers of its own."""

import asyncio
import gzip
import random
import re
import urllib.request
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from typing import TypeVar

import pytest
from serving import served
from visitors import Visitor

from engine.gradients import chain
from pages.ui.component import unpacked

VISITORS, MOVES = 20, 8
T = TypeVar("T")


def done(work: Coroutine[None, None, T]) -> T:
    """In a thread of its own: where browser tests run too, this one has Playwright's loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def turn_knobs(address: str, number: int) -> list[str]:
    """What was wrong in what one visitor saw."""
    rng, wrong = random.Random(number), []
    async with Visitor(address) as visitor:
        await visitor.open()
        await visitor.go("chain")
        params = {"w1": 0.5, "w2": -1.5, "w3": 2.0, "x": 0.8}
        for name, value in params.items():
            visitor.set(f"chain.{name}", value)
        for _ in range(MOVES):
            params["w1"] = round(rng.uniform(-4, 4), 6)
            await visitor.move("chain.w1", params["w1"])
            lines = unpacked(visitor.drawn["chain-working"])["lines"]
            if lines[0]["value"] != chain.run(chain.Params(**params)).f:
                wrong.append(f"visitor {number} set {params} and saw {lines[0]['value']}")
        if visitor.broken:
            wrong.append(f"visitor {number} saw an exception")
    return wrong


@pytest.mark.slow
def test_many_at_once_and_each_sees_the_own_numbers() -> None:
    async def all_at_once(address: str) -> list[list[str]]:
        return await asyncio.gather(*(turn_knobs(address, n) for n in range(VISITORS)))

    with served() as address:
        found = done(all_at_once(address))
    assert len(found) == VISITORS
    assert [wrong for one in found for wrong in one] == []


@pytest.mark.slow
def test_one_who_never_stops_does_not_stop_the_others() -> None:
    async def beside_spam(address: str) -> int:
        async with Visitor(address) as loud, Visitor(address) as calm:
            for visitor in (loud, calm):
                await visitor.open()
                await visitor.go("chain")

            async def spam() -> None:
                for i in range(10_000):
                    loud.set("chain.w1", i % 7 + 0.5)
                    await loud.send()
                    await asyncio.sleep(0.02)

            tasks = [asyncio.create_task(spam()), asyncio.create_task(loud.drain())]
            for i in range(10):
                await calm.move("chain.w1", i / 8)
            ended = sum(task.done() for task in tasks)
            for task in tasks:
                task.cancel()
            return ended + calm.broken

    with served() as address:
        assert done(beside_spam(address)) == 0


def fetched(address: str, **headers: str) -> tuple[bytes, Message]:
    with urllib.request.urlopen(urllib.request.Request(address, headers=headers)) as answer:
        return answer.read(), answer.headers


@pytest.mark.slow
def test_a_first_visit_fetches_a_third_of_what_the_scripts_weigh() -> None:
    with served() as address:
        page = fetched(address)[0].decode()
        files = re.findall(r'(?:src|href)="\.?(/static/js/[^"]+\.js)"', page)
        assert files
        whole = [fetched(address + file)[0] for file in files]
        packed = [fetched(address + file, **{"Accept-Encoding": "gzip, br"}) for file in files]
    assert sum(len(body) for body, _ in packed) < 0.4 * sum(map(len, whole))
    for plain, (body, headers) in zip(whole, packed, strict=True):
        if len(plain) > 1_000:
            assert headers["content-encoding"] == "gzip"
            body = gzip.decompress(body)
        assert body == plain
        assert "immutable" in headers["cache-control"]
        assert headers["x-content-type-options"] == "nosniff"

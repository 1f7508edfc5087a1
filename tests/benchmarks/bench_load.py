"""What a full hall costs the server: visitors who speak Streamlit's protocol, without browsers.

    python tests/benchmarks/bench_load.py [--quick]

Each part starts the app as it ships. The visitors run in this process, so they share the machine
with the server they wait for: on two cores the figures are, if anything, too high.

* opens: N visitors at the same moment. Each opens the home page, then three of all lessons, and
  moves a number on each to a value of its own, so that no answer is shared.
* rhythm: 200 arrive over 30 s and move a number every 8 s, as in a lecture: on light lessons, all
  values different, and on one lesson, where they follow the lecturer.
* spam: one visitor moves a number fifty times a second; what another one waits.
* growth: memory after 1,000 reruns, which fill the caches, and after 3,000 more.
"""

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "browser"), str(HERE.parents[1])]

from serving import started, yardstick  # noqa: E402
from visitors import Visitor, cost  # noqa: E402

from engine.gradients import chain  # noqa: E402
from pages.ui.component import unpacked  # noqa: E402

# One number of each lesson that a student would turn, and how far.
MOVES = {
    "chain": ("w1", -4.0, 4.0),
    "mlp": ("rate", 0.01, 1.0),
    "minmax": ("bound", 1.0, 9.0),
    "residual": ("depth", 1, 40),
    "lstm": ("sharpness", 0.1, 9.0),
    "rnn": ("radius", 0.1, 1.5),
    "shapes": ("padding", 0, 3),
    "coins": ("start.0", 0.05, 0.95),
    "bernoulli": ("seed", 0, 10_000),
    "gaussian": ("seed", 0, 10_000),
    "ppca": ("seed", 0, 10_000),
    "centres": ("start", -9.0, 9.0),
    "quantise": ("seed", 0, 10_000),
    "sweep": ("lr", 0.01, 0.5),
    "two_layer": ("lr", 0.01, 0.5),
    "samme": ("rounds", 2, 40),
}
LIGHT = ("chain", "mlp", "minmax", "residual", "lstm", "rnn", "shapes", "coins", "centres")
SLUGS = tuple(MOVES)
PATIENCE = 600  # seconds for one part


@dataclass
class Seen:
    """Seconds that visitors waited, by what they did, and what went wrong."""

    first: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    rerun: list[float] = field(default_factory=list)
    done: int = 0
    broken: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def runs(self) -> int:
        return len(self.first) + len(self.page) + len(self.rerun)


def p95(values: Sequence[float]) -> float:
    return sorted(values)[round(0.95 * (len(values) - 1))] if values else float("nan")


def move(slug: str, rng: random.Random) -> tuple[str, float]:
    name, low, high = MOVES[slug]
    whole = isinstance(low, int)
    return f"{slug}.{name}", rng.randint(low, int(high)) if whole else rng.uniform(low, high)


async def walk(address: str, number: int, slugs: Sequence[str], seen: Seen) -> None:
    """Home, then each lesson, with one move on it."""
    rng = random.Random(number)
    try:
        begun = time.perf_counter()
        async with Visitor(address) as visitor:
            await visitor.open()
            seen.first.append(time.perf_counter() - begun)
            for slug in slugs:
                seen.page.append(await visitor.go(slug))
                seen.rerun.append(await visitor.move(*move(slug, rng)))
            seen.broken += visitor.broken
            seen.done += 1
    except Exception as error:  # every failure is a result here
        seen.errors.append(f"{type(error).__name__}: {error}"[:90])


async def opens(address: str, pid: int, count: int, lessons: Sequence[str]) -> None:
    before, quiet = cost(pid)
    seen = Seen()
    n = len(lessons)
    chosen = [[lessons[(i + shift) % n] for shift in (0, n // 3, 2 * n // 3)] for i in range(count)]
    await asyncio.gather(*(walk(address, i, slugs, seen) for i, slugs in enumerate(chosen)))
    after, loud = cost(pid)
    print(
        f"{count:>8} {seen.done:>5} {seen.broken:>6} {p95(seen.first):>9.2f} {p95(seen.page):>8.2f}"
        f" {p95(seen.rerun):>9.2f} {1000 * (after - before) / seen.runs:>10.1f}"
        f" {(loud - quiet) / count:>10.2f}"
    )
    for error in dict.fromkeys(seen.errors):
        print(f"         {seen.errors.count(error)} x {error}")


async def rhythm(
    address: str, slugs: Sequence[str], count: int = 200, arrive: float = 30, every: float = 8
) -> None:
    seen, rounds, together = Seen(), 5, len(slugs) == 1

    async def one(number: int) -> None:
        rng, lecturer = random.Random(number), random.Random(0)
        slug = slugs[number % len(slugs)]
        await asyncio.sleep(arrive * number / count)
        async with Visitor(address) as visitor:
            seen.first.append(await visitor.open())
            seen.page.append(await visitor.go(slug))
            for _ in range(rounds):
                await asyncio.sleep(every * rng.uniform(0.5, 1.5))
                value = move(slug, lecturer if together else rng)
                seen.rerun.append(await visitor.move(*value))

    await asyncio.gather(*map(one, range(count)))
    print(
        f"rhythm on {', '.join(slugs)}: {count} visitors, a move every {every:g} s: "
        f"p95 of first {p95(seen.first):.3f} s, page {p95(seen.page):.3f} s, "
        f"move {p95(seen.rerun):.3f} s, median {statistics.median(seen.rerun):.3f} s"
    )


async def spam(address: str, seconds: float = 10, rate: float = 50) -> None:
    async with Visitor(address) as loud, Visitor(address) as calm:
        for visitor in (loud, calm):
            await visitor.open()
            await visitor.go("chain")
        rng = random.Random(0)

        async def waits(most: float) -> list[float]:
            found: list[float] = []
            until = time.perf_counter() + most
            while time.perf_counter() < until:
                found.append(await calm.move(*move("chain", rng)))
                await asyncio.sleep(0.4)
            return found

        async def spamming() -> None:
            while True:
                loud.set(*move("chain", rng))
                await loud.send()
                await asyncio.sleep(1 / rate)

        quiet = await waits(seconds / 2)
        tasks = [asyncio.create_task(spamming()), asyncio.create_task(loud.drain())]
        await asyncio.sleep(0.5)
        busy = await waits(seconds)
        for task in tasks:
            task.cancel()
    print(
        f"spam: another waits {1000 * statistics.median(quiet):.0f} ms while it is quiet, "
        f"{1000 * statistics.median(busy):.0f} ms (at most {1000 * max(busy):.0f}) beside one who "
        f"moves {rate:g} times a second"
    )


async def growth(address: str, pid: int, fill: int, more: int, visitors: int = 10) -> None:
    marks: list[float] = []
    wrong = 0

    async def turn(visitor: Visitor, rng: random.Random, count: int) -> None:
        nonlocal wrong
        for _ in range(count):
            w1 = round(rng.uniform(-4, 4), 6)
            await visitor.move("chain.w1", w1)
            # Nobody sees another's numbers: these are the ones that this w1 gives.
            values = [line["value"] for line in unpacked(visitor.drawn["chain-working"])["lines"]]
            wrong += chain.run(chain.Params(w1=w1)).f != values[0]

    made = [Visitor(address) for _ in range(visitors)]
    for visitor in made:
        await visitor.__aenter__()
        await visitor.open()
        await visitor.go("chain")
        for name, value in (("w2", -1.5), ("w3", 2.0), ("x", 0.8)):
            visitor.set(f"chain.{name}", value)
    marks.append(cost(pid)[1])
    for count in (fill, more):
        rngs = [random.Random(f"{count} {i}") for i in range(visitors)]
        await asyncio.gather(
            *(turn(v, rng, count // visitors) for v, rng in zip(made, rngs, strict=True))
        )
        marks.append(cost(pid)[1])
    for visitor in made:
        await visitor.__aexit__()
    print(
        f"growth: {marks[0]:.0f} MB, {marks[1]:.0f} after {fill:,} reruns that fill the caches, "
        f"{marks[2]:.0f} after {more:,} more; answers with another's numbers: {wrong}"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a tenth of it, to see that it runs")
    quick = parser.parse_args().quick
    print(yardstick())
    head = "visitors  done broken first p95 page p95 rerun p95 CPU ms/run MB/visitor"
    for name, lessons in (("all lessons", SLUGS), ("light lessons", LIGHT)):
        with started() as (address, pid):
            asyncio.run(settled(address, lessons))
            print(f"{name}, opened at the same moment; seconds\n{head}")
            for count in (1, 10) if quick else (1, 10, 50, 100, 200):
                asyncio.run(opens(address, pid, count, lessons))
    with started() as (address, pid):
        asyncio.run(settled(address, SLUGS))
        asyncio.run(spam(address, 3 if quick else 10))
        for slugs in (LIGHT, ("coins",)):
            asyncio.run(rhythm(address, slugs, *(20, 3, 1) if quick else (200, 30, 8)))
        asyncio.run(growth(address, pid, *(100, 300) if quick else (1000, 3000)))


async def settled(address: str, slugs: Sequence[str]) -> None:
    """One visitor has been everywhere, so that imports and machine code are ready."""
    async with Visitor(address) as visitor:
        await visitor.open()
        for slug in slugs:
            await visitor.go(slug)


if __name__ == "__main__":
    main()

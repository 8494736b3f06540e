"""How long the sandbox takes to start, how much memory it has, and what a page costs at the beginning and deep inside.

    python benchmarks/sandbox.py [--entries 1000000]

The limits are the project's own: started within 30 s and 1.5 GB, a deep page at most 3 times the first one.
"""

import argparse
import datetime as dt
import os
import resource
import sys
import time
from collections.abc import Callable

import msgspec

from muniment.model import Query, Sort
from muniment.sandbox.world import World

END = dt.date(2026, 4, 1)
DAYS = 90
ROUNDS = 15
QUERIES: dict[str, Query] = {
    "all": Query(),
    "newest first": Query(sort=Sort("timestamp", "desc")),
    "by action": Query(sort=Sort("action")),
    "by status, down": Query(sort=Sort("status", "desc")),
    "by description": Query(sort=Sort("description")),
    "sign-ins": Query(action="LOGIN"),
    "sign-ins, newest first": Query(action="LOGIN", sort=Sort("timestamp", "desc")),
    "a name, by description": Query(user_name="svc", sort=Sort("description", "desc")),
    "a month": Query(from_=dt.date(2026, 3, 1), to=dt.date(2026, 3, 31)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=1_000_000)
    entries = parser.parse_args().entries
    began = time.perf_counter()
    world = World(seed=7, days=DAYS, entries=entries, end=END)
    started_s = time.perf_counter() - began
    print(f"{entries:,} entries over {DAYS} days; {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print(f"start            {started_s:8.2f} s   (limit 30)")
    print(f"{'page of 1000':24} {'asked anew':>11} {'first':>9} {'deep':>9} {'ratio':>6}   deep offset (ms each)")
    for name, query in QUERIES.items():
        print(_pages(world, name, query))
    print(f"one entry arrives {_best(lambda: world.arrive(dt.datetime(2026, 4, 2, tzinfo=dt.UTC))) * 1000:8.3f} ms")
    late = dt.datetime(2026, 2, 2, tzinfo=dt.UTC)
    print(f"one comes late    {_best(lambda: world.arrive_late(late)) * 1000:8.3f} ms")
    print(f"peak memory      {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:8.0f} MB  (limit 1536)")


def _pages(world: World, name: str, query: Query) -> str:
    began = time.perf_counter()
    total = world.audit_log(_page(query, 0)).total
    anew_s = time.perf_counter() - began
    deep = total * 9 // 10
    first_s = _best(lambda: world.audit_log(_page(query, 0)))
    deep_s = _best(lambda: world.audit_log(_page(query, deep)))
    times = f"{anew_s * 1000:11.2f} {first_s * 1000:9.2f} {deep_s * 1000:9.2f}"
    return f"{name:24} {times} {deep_s / first_s:6.2f}   {deep:,} of {total:,}"


def _page(query: Query, offset: int) -> Query:
    return msgspec.structs.replace(query, offset=offset, limit=1000)


def _best(call: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()

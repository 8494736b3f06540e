"""A sealed collection beside the tutorial's own loop, from the same source, one after the other in one run.

    python -m benchmarks collect [--entries 1000000] [--latency-ms 200]

The source is a sandbox in a process of its own; how fast it serves pages to a reader that does nothing with them is
measured first, so that one sees whether it is the bottleneck.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LOOP = """
import json, os, requests, sys
url, key, items, offset = os.environ["MUNIMENT_URL"], os.environ["MUNIMENT_API_KEY"], [], 0
while True:
    page = requests.get(f"{url}/account/api/v1/audit-log", headers={"x-api-key": key},
                        params={"sort": "timestamp:desc", "offset": offset, "limit": 1000}).json()
    items += page["items"]
    offset += 1000
    if offset >= page["total"]:
        break
with open(sys.argv[1], "w") as file:
    json.dump(items, file)
"""
SERVE = """
import os, urllib3
url, key, total, offset = os.environ["MUNIMENT_URL"], os.environ["MUNIMENT_API_KEY"], 1, 0
pool = urllib3.PoolManager(headers={"x-api-key": key})
while offset < int(os.environ["ENTRIES"]):
    pool.request("GET", f"{url}/account/api/v1/audit-log?sort=timestamp:asc&offset={offset}&limit=1000").data
    offset += 1000
"""


@dataclass(frozen=True)
class Figures:
    """What one child process took."""

    name: str
    wall_s: float
    cpu_s: float
    peak_mb: float


def measure(name: str, call: list[str], env: dict[str, str]) -> Figures:
    """Run a process to its end."""
    started = time.monotonic()
    child = subprocess.Popen(call, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0, f"{name} ended with {os.waitstatus_to_exitcode(status)}"
    return Figures(name, time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@contextlib.contextmanager
def source(entries: int, days: int, faults: list[str]) -> Iterator[dict[str, str]]:
    """A sandbox in a process of its own; the environment that reaches it."""
    call = [sys.executable, "-c", "from muniment.cli.main import main; main()", "sandbox", "--port", "0"]
    call += ["--seed", "7", "--entries", str(entries), "--days", str(days)]
    child = subprocess.Popen([*call, *faults], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert child.stdout is not None
    ready = json.loads(child.stdout.readline())
    try:
        yield os.environ | {
            "MUNIMENT_URL": ready["url"],
            "MUNIMENT_API_KEY": ready["keys"]["AM_VIEW_ONLY"],
            "ENTRIES": str(entries),
        }
    finally:
        child.terminate()
        child.wait()


def compare(entries: int, days: int, faults: list[str]) -> list[Figures]:
    """The source alone, the loop, and the collection with all that it proves."""
    with tempfile.TemporaryDirectory() as folder, source(entries, days, faults) as env:
        env |= {f"MUNIMENT_{name.upper()}": str(Path(folder, name)) for name in ("home", "cache", "archive")}
        muniment = [sys.executable, "-c", "from muniment.cli.main import main; main()"]
        figures = [
            *([] if faults else [measure("source alone", [sys.executable, "-c", SERVE], env)]),
            measure("tutorial's loop", [sys.executable, "-c", LOOP, str(Path(folder, "out.json"))], env),
            measure("muniment collect", [*muniment, "collect"], env),
            measure("muniment collect, nothing new", [*muniment, "collect"], env),
            measure(
                "muniment verify", [*muniment, "verify", str(Path(folder, "archive")), "--trust-enclosed-key"], env
            ),
            measure(
                "muniment entries, jsonl", [*muniment, "entries", "--format", "jsonl", "--out", f"{folder}/all"], env
            ),
        ]
        raw = Path(folder, "all").stat().st_size
        held = sum(file.stat().st_size for file in Path(folder, "archive").rglob("*") if file.is_file())
        print(f"archive {held / 1e6:.1f} MB, exact jsonl {raw / 1e6:.1f} MB: {held / raw:.2f}")
    return figures


def tell(entries: int, figures: list[Figures]) -> None:
    """A table, each beside the tutorial's loop."""
    loop = next(each for each in figures if each.name == "tutorial's loop")
    print(f"{'':32}{'wall s':>8}{'entries/s':>11}{'cpu s':>8}{'peak MB':>9}{'x loop':>8}")
    for each in figures:
        rate, ratio = entries / each.wall_s, loop.wall_s / each.wall_s
        print(f"{each.name:32}{each.wall_s:8.2f}{rate:11,.0f}{each.cpu_s:8.2f}{each.peak_mb:9.0f}{ratio:8.2f}")


def main(arguments: list[str]) -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--entries", type=int, default=1_000_000)
    options.add_argument("--days", type=int, default=90)
    options.add_argument("--latency-ms", type=int, default=0)
    told = options.parse_args(arguments)
    faults = ["--fault", f"latency={told.latency_ms}"] if told.latency_ms else []
    print(f"{told.entries:,} entries over {told.days} days, each answer {told.latency_ms} ms late")
    tell(told.entries, compare(told.entries, told.days, faults))


if __name__ == "__main__":
    main(sys.argv[1:])

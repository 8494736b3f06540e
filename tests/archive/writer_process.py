"""A process that writes to an archive, for tests that kill it, starve it or let it compete.

python writer_process.py PLACE FIRST COMMITS ENTRIES [BYTES]: makes COMMITS commits of ENTRIES entries each, numbered
from FIRST on, and prints the tree's size after each; files may have BYTES bytes at most.
"""

import resource
import signal
import sys
from pathlib import Path

from tests.archive.world import SMALL, opened, page, seal, writer_on

from muniment.errors import MunimentError


def main(place: Path, first: int, commits: int, entries: int, limit: int | None = None) -> None:
    archive, home = opened(place)
    writer = writer_on(archive, home, layout=SMALL)
    say("ready")
    sys.stdin.readline()
    if limit is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        for number in range(commits):
            say(str(seal(writer, page(first + number * entries, entries))))
        writer.close()
    except MunimentError as error:
        say(f"{type(error).__name__}: {error.message} / {error.hint}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))

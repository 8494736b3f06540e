"""Every benchmark, or the one that is named: ``python -m benchmarks [NAME [OPTIONS]]``.

Timings on a shared machine are noisy: read the ratios within one run, not the seconds.
"""

import subprocess
import sys

NAMES = ("sandbox", "archive", "collect", "verify", "query")


def main() -> None:
    """Run them, each in a process of its own: peak memory is one of the figures."""
    names, options = (sys.argv[1:2], sys.argv[2:]) if len(sys.argv) > 1 else (NAMES, [])
    for name in names:
        print(f"\n== {name}", flush=True)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=True)


if __name__ == "__main__":
    main()

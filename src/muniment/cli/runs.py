"""Runs as their receipts tell them: the parts of each folded together, for people."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from rich.text import Text

from muniment.cli.coverage import METHODS
from muniment.cli.listing import hanging, labelled
from muniment.cli.output import terminal_width
from muniment.cli.shapes import gap_line
from muniment.cli.wording import SIGNS, cell, counted, instant, mark, number, period
from muniment.collect.record import Census, Outside, Receipt, WindowRead, decode_receipt
from muniment.sweep.census import ControlTotals

__all__ = ["Sealed", "fold", "run_details", "run_lines"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A receipt and where it is sealed.

    Args:
        leaf: Its index.
        payload: Its exact bytes.
        receipt: The same, read.
    """

    leaf: int
    payload: bytes
    receipt: Receipt

    @classmethod
    def read(cls, leaf: int, payload: bytes) -> "Sealed":
        """Read the payload of a leaf of kind `receipt`."""
        return cls(leaf, payload, decode_receipt(payload))

    def document(self) -> dict[str, Any]:
        """As `--json` shows it: every member that was sealed."""
        return {"leaf": self.leaf, **msgspec.json.decode(self.payload)}


def fold(sealed: Sequence[Sealed]) -> list[list[Sealed]]:
    """Receipts, oldest first, by run."""
    runs = sorted({each.receipt.run: each.leaf for each in reversed(sealed)}.items(), key=lambda run: run[1])
    return [[each for each in sealed if each.receipt.run == run] for run, _ in runs]


def run_lines(run: Sequence[Sealed]) -> Iterator[Text]:
    """A run in a few lines."""
    last = run[-1].receipt
    yield _heading(run)
    yield from labelled("asked for", _asked(last))
    yield from labelled(
        "when", f"{_from_to(last)}, by {cell(last.user)} on {cell(last.host)}, {last.tool} {last.version}"
    )
    retries = f", {number(last.retries)} tried again" if last.retries else ""
    yield from labelled("requests", f"{number(last.requests)}, and {counted(last.lookups, 'lookup')}{retries}")
    yield from labelled("reading", _readings(run))
    yield from labelled("checks", _checks(run))
    if last.stopped is not None:
        yield from labelled("stopped", cell(last.stopped))
    for gap in last.gaps:
        yield from (Text(line, style=SIGNS["gap"][2]) for line in hanging(cell(gap_line(gap)), terminal_width()))
    yield Text()


def run_details(run: Sequence[Sealed]) -> Iterator[Text]:
    """A run with everything that its receipts say."""
    *lines, end = run_lines(run)
    yield from lines
    last = run[-1].receipt
    yield from labelled("key", f"tag {last.key_tag}" + (", accepted as seeing less" if last.scope_accepted else ""))
    yield from labelled("clock", _skew(last.clock_skew_s))
    for odd in sorted({odd for each in run for odd in each.receipt.odd}):
        yield from labelled("odd", cell(odd))
    yield from _total_lines(run)
    windows = [window for each in run for window in each.receipt.windows]
    for window in sorted(windows, key=lambda each: (each.from_ or dt.date.min, each.to or dt.date.max)):
        yield from _window_lines(window, "  ")
    yield end


def _heading(run: Sequence[Sealed]) -> Text:
    last = run[-1].receipt
    states = {
        True: ("complete", "complete"),
        False: ("gap", "not complete"),
        None: ("never", "did not come to its end"),
    }
    state, words = states[last.complete]
    line = Text(f"run {last.run}", style="bold")
    line.append(f"  {mark(last.complete)} {words}", style=SIGNS[state][2])
    return line.append(f"  leaves {run[0].leaf} to {run[-1].leaf}", style="bright_black")


def _asked(receipt: Receipt) -> str:
    how = f" ({receipt.asked})" if receipt.asked else ""
    return f"{receipt.from_ or 'the first entry'} to {receipt.to or 'today'}{how} of {cell(receipt.source)}"


def _from_to(receipt: Receipt) -> str:
    began = dt.datetime.fromisoformat(receipt.started_at)
    return f"{instant(began)}, {(dt.datetime.fromisoformat(receipt.at) - began).total_seconds():.1f} s"


def _readings(run: Sequence[Sealed]) -> str:
    windows = [window for each in run for window in each.receipt.windows]
    if not windows:
        return "nothing differed, no window was read"
    rows = sum(window.rows for window in windows)
    methods = Counter(window.method for window in windows)
    how = [f"{number(many)} {METHODS[method] if method else 'not complete'}" for method, many in methods.most_common()]
    return f"{counted(len(windows), 'window')}, {counted(rows, 'row')}: {', '.join(how)}"


def _checks(run: Sequence[Sealed]) -> str:
    totals = [total.agrees for each in run for total in each.receipt.census]
    controls = [controls.agree for each in run for controls in each.receipt.controls]
    told = [
        f"{counted(len(some), what)}, " + ("all agree" if all(some) else f"{number(some.count(False))} do not agree")
        for what, some in (("total", totals), ("control total", controls))
        if some
    ]
    return "; ".join(told) or "none"


def _skew(skew_s: float | None) -> str:
    if skew_s is None:
        return "the source told no time"
    return f"the source's is {abs(skew_s):.1f} s {'ahead of' if skew_s > 0 else 'behind'} ours"


def _total_lines(run: Sequence[Sealed]) -> Iterator[Text]:
    for each in run:
        for controls in each.receipt.controls:
            yield from labelled("control", _control(controls))
        for total in each.receipt.census:
            yield from labelled("total", _total(total))
        if each.receipt.outside is not None:
            yield from labelled("whole", _whole(each.receipt.outside))


def _control(controls: ControlTotals) -> str:
    parts = ", ".join(f"{cell(value)} {number(part)}" for value, part in controls.parts.items())
    days, sums = period(controls.from_, controls.to), f"sum {number(controls.sum)} of {number(controls.whole)}"
    return f"{days} by {controls.by}: {sums} ({parts or 'nothing'})"


def _total(total: Census) -> str:
    days = period(total.from_, total.to)
    return f"{days}: {number(total.expected)} archived, {number(total.total)} at the source"


def _whole(told: Outside) -> str:
    parts = {"closed days": told.closed, "open days": told.open, "outside any day": told.outside}
    return f"{number(told.whole)} without dates: " + ", ".join(f"{what} {number(n)}" for what, n in parts.items())


def _window_lines(window: WindowRead, indent: str) -> Iterator[Text]:
    filtered = f" {cell(window.filter)}" if window.filter else ""
    how = METHODS[window.method] if window.method else "not complete"
    totals = f"total {number(window.total_before)}"
    if window.total_after != window.total_before:
        totals += f", then {number(window.total_after)}"
    came = counted(window.rows, "row") + (f", {number(window.new)} new" if window.new else "")
    how += f", {number(window.passes)} times" if window.passes > 1 else ""
    yield Text(f"{indent}{period(window.from_, window.to)}{filtered}: {came}, {totals}, {how}")
    yield Text(f"{indent}  {cell(window.url)}", style="bright_black")
    if window.leaves:
        ranges = ", ".join(str(first) if end - first == 1 else f"{first} to {end - 1}" for first, end in window.leaves)
        yield Text(f"{indent}  leaves {ranges}", style="bright_black")
    for part in window.parts:
        yield from _window_lines(part, f"{indent}  ")

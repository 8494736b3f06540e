"""Gaps that are no day's: which of them the archive still has after a run (design §4.11)."""

from collections.abc import Sequence

from muniment.collect.record import Receipt
from muniment.sweep.census import ControlTotals
from muniment.sweep.window import Gap, Window

__all__ = ["by_controls", "controls_of", "holds", "left_behind"]


def left_behind(known: Sequence[Gap], found: Sequence[Gap], receipt: Receipt) -> list[Gap]:
    """The gaps known before a run, less those that it looked at again, and those that it found.

    A run that was stopped, and one over some days alone, did not look at the rest.

    Args:
        known: Before.
        found: By the run.
        receipt: The run's closing one.
    """
    left = [gap for gap in known if receipt.stopped is not None or not _is_in_days_of(receipt, gap)]
    return left + [gap for gap in found if gap not in left]


def _is_in_days_of(receipt: Receipt, gap: Gap) -> bool:
    whole = receipt.from_ is None and receipt.to is None
    return whole or (receipt.from_, receipt.to) == (gap.from_, gap.to) or holds(Window(receipt.from_, receipt.to), gap)


def holds(window: Window, gap: Gap) -> bool:
    """Whether a gap lies wholly within the days of a window; one without a first or last day lies in no window."""
    if gap.from_ is None or gap.to is None:
        return False
    return (window.from_ is None or window.from_ <= gap.from_) and (window.to is None or gap.to <= window.to)


def controls_of(receipt: Receipt) -> list[ControlTotals]:
    """The control totals that not every run asks for: by action and by resource type."""
    return [controls for controls in receipt.controls if controls.by != "status"]


def by_controls(receipt: Receipt) -> list[Gap]:
    """The gaps of a run that say of such control totals that they do not sum up."""
    said = {(each.from_, each.to, each.whole, each.sum) for each in controls_of(receipt)}
    return [gap for gap in receipt.gaps if (gap.from_, gap.to, gap.expected, gap.got) in said]

"""Whether entries are what the tutorial shows, as far as the rows seen tell; nothing more is asked for."""

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Final

import msgspec

from muniment.doctor.examinations.exam import Finding, Steps
from muniment.doctor.examinations.sample import Sample
from muniment.model import ACTIONS, RESOURCE_TYPES, STATUSES, Entry

__all__ = ["examine_ids", "examine_json", "examine_members", "examine_values"]

_MEMBERS: Final = frozenset(msgspec.structs.fields(Entry)[n].encode_name for n in range(len(Entry.__struct_fields__)))
_KEPT: Final = "Entries are kept byte for byte, whatever they hold."
_SHOWN: Final = 3


def examine_ids(sample: Sample) -> Steps[Finding]:
    """Whether each entry has an id of its own."""
    yield from ()
    rows = sample.demand_rows()
    without = sum(1 for row in rows if row.id is None)
    twins = sum(count - 1 for page in sample.pages for count in Counter(row.key for row in page.rows).values())
    if without:
        why = f"{without} of {len(rows)} entries have no id that is a text"
        return Finding("differs", why, "Such an entry goes by the hash of its bytes, and is a finding (exit 11).")
    if twins:
        why = f"{twins} ids come twice in one answer"
        return Finding("differs", why, "Counted once in the archive, and a finding (exit 11).")
    return Finding("pass", f"{len(rows)} entries, each with an id of its own")


def examine_members(sample: Sample) -> Steps[Finding]:
    """Whether entries have the ten members that are documented, and timestamps that can be read."""
    yield from ()
    rows = sample.demand_rows()
    unlike = {name for row in rows for name in (row.members or _MEMBERS) ^ _MEMBERS}
    odd = sum(1 for row in rows if row.members is None or row.at is None)
    if unlike:
        why = f"{len(unlike)} members beside the {len(_MEMBERS)} that are documented, or lacking"
        return Finding("differs", why, _KEPT)
    if odd:
        why = f"{odd} of {len(rows)} entries are no objects, or have a timestamp that cannot be read"
        return Finding("differs", why, f"{_KEPT} The window that serves one decides its day.")
    return Finding("pass", f"{len(rows)} entries have the {len(_MEMBERS)} members that are documented")


def examine_values(sample: Sample) -> Steps[Finding]:
    """Whether actions, types and statuses are in the tutorial's lists."""
    yield from ()
    rows = sample.demand_rows()
    unknown = sorted(
        chain(
            _unlisted((row.action for row in rows), ACTIONS),
            _unlisted((row.resource_type for row in rows), RESOURCE_TYPES),
            _unlisted((row.status.upper() if row.status else None for row in rows), STATUSES),
        )
    )
    if unknown:
        why = f"{len(unknown)} values that the tutorial does not list"
        return Finding("differs", why, "Each is a finding `unknown_value`, once; the control totals allow for it.")
    return Finding("pass", "actions, types and statuses are all in the tutorial's lists")


def _unlisted(values: Iterable[str | None], known: Iterable[str]) -> set[str]:
    return {value for value in values if value is not None} - set(known)


def examine_json(sample: Sample) -> Steps[Finding]:
    """Whether answers are JSON as a strict parser has it."""
    yield from ()
    odd = sorted({words for page in sample.pages for words in page.odd if not words.startswith("total")})
    if odd:
        return Finding("differs", "; ".join(odd[:_SHOWN]), f"Such answers are read all the same. {_KEPT}")
    return Finding("pass", "answers are JSON in UTF-8 that a strict parser reads")

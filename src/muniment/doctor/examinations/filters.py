"""Whether filters match as assumed: upper case, parts of a name, lists; and how a malformed one is refused."""

from collections import Counter
from typing import Final

from muniment.doctor.examinations.exam import CannotSay, Finding, Refused, Steps, ask_page, ask_total
from muniment.doctor.examinations.rows import Row
from muniment.doctor.examinations.sample import Sample
from muniment.model import ACTIONS, RESOURCE_TYPES

__all__ = ["examine_refusals", "examine_type_list", "examine_upper_case", "examine_user_name"]

_UPPER: Final = "Where a query finds nothing: action, status and resource_types go in upper case. Muniment sees to it."
_SLASHED: Final = "2026/01/01"
_FEW: Final = 3


def examine_upper_case(sample: Sample) -> Steps[Finding]:
    """Whether action and status match in upper case, and in upper case only."""
    actions = Counter(row.action for row in sample.demand_rows() if row.action in ACTIONS)
    if not actions:
        raise CannotSay("no row has an action of the tutorial's list")
    action = str(actions.most_common(1)[0][0])
    upper = yield from ask_total(action=action)
    if not upper:
        return Finding("differs", f"action={action} finds nothing, though there are such entries", _UPPER)
    lower = yield from ask_total(action=action.lower())
    status = yield from ask_total(status="success")
    if lower or status:
        why = f"lower case matches too: {lower} by action={action.lower()}, {status} by status=success"
        return Finding("differs", why, "Muniment asks in upper case, and refuses lower case before it is sent.")
    return Finding("pass", f"action={action} finds {upper}; in lower case nothing, and no error", _UPPER)


def examine_user_name(sample: Sample) -> Steps[Finding]:
    """Whether a part of a name is enough, and whether its case counts."""
    names = (row.user_name for row in sample.demand_rows() if row.user_name)
    part = next((name[1:-1] for name in names if _has_case(name[1:-1])), None)
    if part is None:
        raise CannotSay("no row has a user name to try parts of")
    found = yield from ask_total(user_name=part)
    if not found:
        return Finding("differs", "a part of a user's name finds nothing", "`muniment entries` finds parts of names.")
    turned = yield from ask_total(user_name=part.swapcase())
    if turned >= found:
        why = "user_name matches whatever the case"
        return Finding("differs", why, "`muniment entries --user-name` keeps case, and may find less. Nothing is lost.")
    return Finding("pass", f"a part of a name finds {found} entries, with its case turned {turned}")


def _has_case(part: str) -> bool:
    return len(part) >= _FEW and part.isascii() and part.swapcase() != part


def examine_type_list(sample: Sample) -> Steps[Finding]:
    """Whether several resource types are joined by OR."""
    types = Counter(_type(row) for row in sample.demand_rows() if row.resource_type in RESOURCE_TYPES)
    if len(types) < 2:
        raise CannotSay("the rows seen have fewer than two resource types")
    one, other = (name for name, _ in types.most_common(2))
    parts = yield from _apart(one, other)
    both = yield from ask_total(resource_types=f"{one},{other}")
    if both == sum(parts):
        return Finding("pass", f"{one},{other} finds {both}: {parts[0]} + {parts[1]}")
    if (yield from _apart(one, other)) != parts:
        raise CannotSay("the log changed meanwhile", "Run it again in a quiet hour.")
    why = f"{one} finds {parts[0]}, {other} {parts[1]}, both in a list {both}"
    return Finding("differs", why, "A split counts only if its parts sum up; another one is tried, else it is a gap.")


def _apart(one: str, other: str) -> Steps[tuple[int, int]]:
    return (yield from ask_total(resource_types=one)), (yield from ask_total(resource_types=other))


def _type(row: Row) -> str:
    assert row.resource_type is not None
    return row.resource_type


def examine_refusals(_sample: Sample) -> Steps[Finding]:
    """Whether a malformed date is refused, and in what words."""
    try:
        page = yield from ask_page(from_=_SLASHED)
    except Refused as refused:
        if refused.refusal.status != 400:
            raise
        if refused.refusal.vendor_code == "invalid_input_field":
            return Finding("pass", f"from={_SLASHED} is refused with 400 and invalid_input_field")
        why = f"from={_SLASHED} is refused with 400, but not in the tutorial's form"
        return Finding("differs", why, "The status decides; the words may say less.")
    why = f"from={_SLASHED} is not refused; {page.total} entries are found"
    return Finding("differs", why, "Muniment writes dates as YYYY-MM-DD only.")

"""What the key may look up, and what is answered about somebody who is not there."""

from typing import Final, Literal

from muniment.doctor.examinations.exam import CannotSay, Finding, Lookup, Refusal, Steps, ask_lookup
from muniment.doctor.examinations.sample import Sample

__all__ = ["NOBODY", "examine_role", "examine_unknown_user"]

NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_REDIRECTS: Final = range(300, 400)
_MOST: Final = 3
_NAMES_KEPT: Final = "What cannot be looked up is sealed as such; names as the entries have them are kept."
_ROLES: Final = "AM_ACCOUNT_ADMIN, AM_VIEW_ONLY and AM_USER_MANAGER may read all three."


def examine_role(sample: Sample) -> Steps[Finding]:
    """Which of the three calls the key may make; that it reads the log is known by then."""
    rows = sample.demand_rows()
    users = yield from _try("user", list(dict.fromkeys(row.user_id for row in rows if row.user_id)))
    accounts = yield from _try("account", list(dict.fromkeys(row.account_id for row in rows if row.account_id)))
    said = f"it may read the log; users: {users or 'yes'}; accounts: {accounts or 'yes'}"
    if users or accounts:
        return Finding("differs", said, f"{_NAMES_KEPT} {_ROLES}")
    return Finding("pass", "it may read the log, users and accounts")


def _try(kind: Literal["user", "account"], ids: list[str]) -> Steps[str]:
    """What speaks against looking up, of some that the entries name; nothing where one was found."""
    told = "none named by the entries seen"
    for one in ids[:_MOST]:
        answer = yield from ask_lookup(kind, one)
        if isinstance(answer, Lookup):
            return "" if answer.id == one else "an answer about somebody else"
        told = "no (403)" if answer.status == 403 else answer.message
        if answer.status == 403:
            break
    return told


def examine_unknown_user(_sample: Sample) -> Steps[Finding]:
    """What is answered about a user who never was, as about one who was deleted."""
    answer = yield from ask_lookup("user", NOBODY)
    if isinstance(answer, Lookup):
        return Finding("differs", "a user who never was is found", "An answer about somebody else is `unresolved`.")
    if answer.status is None or answer.status in _REDIRECTS:
        raise CannotSay(f"the source did not answer this: {answer.message}")
    return _refused(answer)


def _refused(answer: Refusal) -> Finding:
    if answer.status == 404:
        return Finding("pass", "404: deleted users show as `not_found`, and keep their names in the entries")
    if answer.status == 403:
        return Finding("differs", "403 for a user who never was", "Deleted users show as `forbidden`.")
    return Finding("differs", f"{answer.message} for a user who never was", "Deleted users show as `unresolved`.")

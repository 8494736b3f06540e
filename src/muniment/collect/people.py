"""Users and accounts of the entries: asked for once, again when due, every answer sealed (tutorial, steps 4 and 5)."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence

import msgspec

from muniment.archive.columns import LeafBatch, leaf_batch
from muniment.archive.leaf import OWN_SOURCE, one_line, parse_leaf
from muniment.archive.reading import Archive
from muniment.collect.activity import Activity
from muniment.collect.answers import Kind, read_answer
from muniment.collect.instants import Clock, rfc3339
from muniment.collect.record import Refusal, encode
from muniment.collect.standing import Person, SourceStanding
from muniment.errors import Forbidden, NotFound, Oversized, SourceError, Unauthorized, Unreachable
from muniment.source.client import Client
from muniment.source.endpoints import account_path, user_path

__all__ = ["Kind", "Lookup", "People", "due", "look_up"]

STALE = dt.timedelta(days=1)


class Lookup(msgspec.Struct, frozen=True):
    """An answer about a user or an account, as it is sealed.

    Args:
        kind: What was asked for.
        source: Who says it: the source, or ourselves where it said nothing about this id.
        payload: The source's exact bytes, or our account of its refusal.
        received_at: When, aware.
        who: Whom it is about.
        is_doubtful: Whether it may be about the key, or the whole source, rather than about this one.
    """

    kind: Kind
    source: str
    payload: bytes
    received_at: dt.datetime
    who: str
    is_doubtful: bool = False


def due(
    people: Mapping[str, Person],
    active: Mapping[str, dt.datetime],
    changed: Mapping[str, dt.datetime],
    now: dt.datetime,
) -> list[str]:
    """Whom to ask for: never asked or never answered; changed since; active, and not asked for a day.

    Args:
        people: Everybody whom the archive's entries name.
        active: Whom new entries name.
        changed: Whom new entries are about, and when the latest of these is dated.
        now: Our clock, aware.
    """
    never = [who for who, person in people.items() if person.latest is None or person.latest.passing]
    never += [who for who in active if who not in people]
    again = [who for who, person in people.items() if _again(person, active, changed.get(who), now)]
    return sorted({*never, *again})


def _again(person: Person, active: Mapping[str, dt.datetime], changed: dt.datetime | None, now: dt.datetime) -> bool:
    if person.latest is None:
        return False
    asked = dt.datetime.fromisoformat(person.latest.observed_at)
    return (changed is not None and changed > asked) or (person.id in active and now - asked > STALE)


def look_up(client: Client, kind: Kind, who: str, *, source: str, now: Clock) -> Lookup:
    """Ask for one user or account; a refusal is an answer too, and is sealed as that one's state.

    Raises:
        SourceError: There is nobody to answer any more.
    """
    is_doubtful = False
    try:
        reply = client.get(user_path(who) if kind == "user" else account_path(who), {})
    except SourceError as error:
        is_doubtful = isinstance(error, (Unauthorized, Oversized))
        if error.status is None and not is_doubtful and not isinstance(error, NotFound):
            raise  # there was nobody to answer, or nobody wants to know any more
        state = _STATES.get(type(error), "unresolved")
        final = state == "unresolved" and not isinstance(error, Unreachable)
        refusal = Refusal(who, state, source, error.message, final)
    else:
        if read_answer(kind, reply.body).id == who:
            return Lookup(kind, source, reply.body, reply.received_at, who)
        refusal = Refusal(who, "unresolved", source, "the answer is not about this one", final=True)
    return Lookup(kind, OWN_SOURCE, encode(refusal), now(), who, is_doubtful)


_STATES: Mapping[type[SourceError], str] = {
    NotFound: "not_found",
    Forbidden: "forbidden",
    Unauthorized: "forbidden",
}


class People:
    """Whom a run has to ask for, and what it was told.

    Args:
        client: Speaks to the source.
        source: Name of the source.
        known: Users and accounts as the archive knows them.
        now: Our clock.
        ask_log: Asks the audit log for a row.
    """

    def __init__(
        self, client: Client, source: str, known: SourceStanding, now: Clock, ask_log: Callable[[], object]
    ) -> None:
        self.asked = 0
        self.updated_users = 0
        self._client = client
        self._source = source
        self._known = known
        self._now = now
        self._ask_log = ask_log

    def due(self, activity: Activity) -> list[tuple[Kind, str]]:
        """Everybody who is to be asked for, users first."""
        users = due(self._known.users, activity.users, activity.changed_users, self._now())
        accounts = due(self._known.accounts, activity.accounts, activity.changed_accounts, self._now())
        return [*(("user", who) for who in users), *(("account", who) for who in accounts)]

    def ask(self, kind: Kind, who: str) -> Lookup:
        """Ask for one; called from several threads."""
        return look_up(self._client, kind, who, source=self._source, now=self._now)

    def borne_out(self, answers: Sequence[Lookup]) -> Sequence[Lookup]:
        """Answers that came together, all of them about whom they were asked for: the log answers the same key.

        It is asked once for them all, and only where one of them is doubtful.

        Raises:
            SourceError: It does not: the source is gone, or does not know the key any more.
        """
        if any(answer.is_doubtful for answer in answers):
            self._ask_log()
        return answers

    def take(self, answers: Sequence[Lookup], archive: Archive) -> list[LeafBatch]:
        """The leaves of answers; counts the users who are new or other than they were."""
        self.asked += len(answers)
        self.updated_users += sum(1 for answer in answers if answer.kind == "user" and self._is_news(answer, archive))
        return [
            leaf_batch(answer.kind, answer.source, rfc3339(answer.received_at), [one_line(answer.payload)])
            for answer in answers
        ]

    def _is_news(self, answer: Lookup, archive: Archive) -> bool:
        person = self._known.users.get(answer.who)
        if person is None or person.latest is None:
            return True
        return parse_leaf(archive.leaf(person.latest.leaf)).payload != one_line(answer.payload)

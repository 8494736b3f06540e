"""Whom new entries name, and whom they are about: what decides who is asked for again."""

import datetime as dt

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["Activity"]

_NEVER = dt.datetime.min.replace(tzinfo=dt.UTC)
_USERS = pa.array(["USER", "SERVICE_USER", "ROLE"])
_ACCOUNTS = pa.array(["ACCOUNT"])


class Activity(msgspec.Struct):
    """Users and accounts of new entries, each with the latest time of such an entry.

    Args:
        users: Who did something.
        accounts: Where something was done.
        changed_users: To whom something was done.
        changed_accounts: What account was changed.
    """

    users: dict[str, dt.datetime] = {}
    accounts: dict[str, dt.datetime] = {}
    changed_users: dict[str, dt.datetime] = {}
    changed_accounts: dict[str, dt.datetime] = {}

    def note(self, entries: pa.Table) -> None:
        """Take in new entries.

        Args:
            entries: With the columns `user_id account_id resource_type resource_id time` of a segment.
        """
        _latest(self.users, entries, "user_id")
        _latest(self.accounts, entries, "account_id")
        _latest(self.changed_users, _about(entries, _USERS), "resource_id")
        _latest(self.changed_accounts, _about(entries, _ACCOUNTS), "resource_id")


def _about(entries: pa.Table, types: pa.Array) -> pa.Table:
    return entries.filter(pc.is_in(entries["resource_type"], types))


def _latest(into: dict[str, dt.datetime], entries: pa.Table, column: str) -> None:
    named = entries.select([column, "time"]).filter(pc.is_valid(entries[column]))
    for row in named.group_by(column).aggregate([("time", "max")]).to_pylist():
        into[row[column]] = max(row["time_max"] or _NEVER, into.get(row[column], _NEVER))

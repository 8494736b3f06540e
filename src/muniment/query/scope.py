"""What matches, as SQL over the tables of the query index."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from muniment.query.building import CODED, DAY_US, TALLIES, hash_of
from muniment.query.sql import Condition

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

__all__ = ["Scope", "scope_of"]

_LISTED = 32
"""Up to so many codes are written as a list; more are joined, which is quicker then."""

Asked = tuple[str, list[Any]]
"""SQL and its parameters."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Some entries of the index."""

    conditions: tuple[str, ...] = ()
    params: tuple[Any, ...] = ()
    joins: tuple[str, ...] = ()
    join_params: tuple[Any, ...] = ()
    columns: frozenset[str] = frozenset()
    """What the conditions and joins are about: a tally must have them all."""
    is_empty: bool = False
    """Whether there are none for sure."""

    def where(self, column: str, condition: str, params: "Sequence[Any]" = ()) -> "Scope":
        """Those of them for which a condition on a column holds as well."""
        return replace(
            self,
            conditions=(*self.conditions, condition),
            params=(*self.params, *params),
            columns=self.columns | {column},
        )

    def joined(self, table: str, params: "Sequence[Any]", column: str) -> "Scope":
        """Those of them whose code is in a table of one column ``code``."""
        name = f"some_{column}"
        join = f" JOIN ({table}) AS {name} ON {name}.code = {column}"
        return replace(
            self,
            joins=(*self.joins, join),
            join_params=(*self.join_params, *params),
            columns=self.columns | {column},
        )

    def count_by(self, column: str) -> Asked:
        """How many there are for each code in a column."""
        return self._tallied(column, {column}) or self._counted(column)

    def count_by_time(self, width: int) -> Asked:
        """How many there are in each step of time of so many microseconds that has any."""
        tallied = self._tallied("slot", set()) if width == DAY_US else None
        return tallied or self._counted(f"time // {width}")

    def select(self, columns: str, rest: str, params: "Sequence[Any]") -> Asked:
        """Columns of the facts about them.

        Args:
            columns: What stands after SELECT.
            rest: What stands after the conditions, joins of its own excluded.
            params: For the rest.
        """
        sql = f"SELECT {columns} FROM facts{''.join(self.joins)}{self._where()}{rest}"
        return sql, [*self.join_params, *self.params, *params]

    def _tallied(self, key: str, columns: set[str]) -> Asked | None:
        needed = self.columns | columns
        for number, tallied in enumerate(TALLIES):
            if needed <= {"day", *tallied}:
                table = f"tally_{number}{''.join(self.joins)}{self._where()}"
                counted = f"SELECT {key}, sum(entries)::BIGINT FROM {table} GROUP BY ALL"
                return counted, [*self.join_params, *self.params]
        return None

    def _counted(self, key: str) -> Asked:
        return self.select(f"{key} AS step, count(*)", " GROUP BY ALL", ())

    def _where(self) -> str:
        return f" WHERE {' AND '.join(self.conditions)}" if self.conditions else ""


def scope_of(db: "DuckDBPyConnection", found: "Sequence[Condition]", hash_bits: int) -> Scope:
    """The entries for which all conditions hold.

    Args:
        db: The index.
        found: What must hold of the columns' texts.
        hash_bits: How much of a resource id's hash the index holds.
    """
    scope = Scope()
    for condition in found:
        if condition.column in CODED:
            scope = _with_codes(db, scope, condition)
        elif condition.column == "resource_id":
            scope = _with_hash(db, scope, condition, hash_bits)
        else:
            scope = scope.where(condition.column, condition.sql, condition.params)
    return scope


def _with_hash(db: "DuckDBPyConnection", scope: Scope, condition: Condition, bits: int) -> Scope:
    asked = f"SELECT {hash_of('given', bits)} FROM (SELECT CAST(? AS VARCHAR) AS given)"
    return scope.where("resource_id", "resource_id = ?", db.execute(asked, list(condition.params)).fetchall()[0])


def _with_codes(db: "DuckDBPyConnection", scope: Scope, condition: Condition) -> Scope:
    """Decide on the different texts, of which there are few, not on the entries."""
    name = condition.column
    chosen = f"SELECT code FROM names_{name} WHERE {condition.sql}"
    codes = [row[0] for row in db.execute(f"{chosen} LIMIT {_LISTED + 1}", list(condition.params)).fetchall()]
    if len(codes) > _LISTED:
        return scope.joined(chosen, condition.params, name)
    if not codes:
        return replace(scope, is_empty=True)
    marks = ", ".join("?" for _ in codes)
    return scope.where(name, f"{name} IN ({marks})", codes)

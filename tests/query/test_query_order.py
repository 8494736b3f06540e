"""Two parts that are each in order make one page of the whole, wherever it lies."""

from collections.abc import Sequence
from functools import cmp_to_key

from hypothesis import given
from hypothesis import strategies as st

from muniment.model import Query, Sort
from muniment.query.order import Row, merge

ROWS = st.lists(
    st.tuples(
        st.none() | st.sampled_from(["A", "B", "é", "\U0001f600", "￿"]),
        st.none() | st.integers(-2, 2),
        st.none() | st.sampled_from(["", "a", "b"]),
        st.booleans(),
    ),
    max_size=14,
)


class Listed:
    """An answer that is known beforehand."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows

    def count(self) -> int:
        return len(self._rows)

    def rows(self, skip: int, take: int) -> list[Row]:
        assert take > 0
        return list(self._rows[skip : skip + take])


def in_order(rows: list[Row], *, descending: bool) -> list[Row]:
    def compare(one: Row, other: Row) -> int:
        if one.value != other.value:
            larger = one.value is None or (other.value is not None and str(one.value) > str(other.value))
            return 1 if larger is not descending else -1
        keys = [(r.time is None, r.time or 0, r.id is not None, r.id or "", r.leaf) for r in (one, other)]
        return -1 if keys[0] < keys[1] else 1

    return sorted(rows, key=cmp_to_key(compare))


@given(ROWS, st.booleans(), st.integers(0, 20), st.integers(0, 6))
def test_the_page_of_two_parts_is_the_page_of_the_whole(
    drawn: list[tuple[str | None, int | None, str | None, bool]], descending: bool, offset: int, limit: int
) -> None:
    rows = [Row(value, time, known, leaf) for leaf, (value, time, known, _) in enumerate(drawn)]
    whole = in_order(rows, descending=descending)
    is_first = {leaf: first for leaf, (_, _, _, first) in enumerate(drawn)}
    first = Listed([row._replace(id=None) for row in whole if is_first[row.leaf]])
    second = Listed([row for row in whole if not is_first[row.leaf]])
    query = Query(sort=Sort("action", "desc" if descending else "asc"), offset=offset, limit=limit)
    total, page = merge(query, first, second, lambda asked: [rows[row.leaf] for row in asked])
    assert total == len(rows)
    assert [row.leaf for row in page] == [row.leaf for row in whole[offset : offset + limit]]


def test_ids_are_asked_for_only_where_they_decide() -> None:
    first = Listed([Row(1, 1, None, 0), Row(2, 2, None, 1)])
    second = Listed([Row(2, 2, "a", 2), Row(3, 3, "b", 3)])
    asked: list[int] = []

    def with_ids(rows: Sequence[Row]) -> list[Row]:
        asked.extend(row.leaf for row in rows)
        return [row._replace(id="b") for row in rows]

    _, page = merge(Query(), first, second, with_ids)
    assert ([row.leaf for row in page], asked) == ([0, 2, 1, 3], [1])

"""The SQL is of the subset that DuckDB and Spark have in common, and holds no value."""

import datetime as dt
import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from muniment.model import SORT_FIELDS, Query, Sort
from muniment.query.sql import Statement, conditions, count, every_index, page

WORDS = st.text(min_size=1, max_size=8)
QUERIES = st.builds(
    Query,
    user_name=st.none() | WORDS,
    action=st.none() | WORDS,
    resource_types=st.lists(WORDS, max_size=3).map(tuple),
    resource_id=st.none() | WORDS,
    status=st.none() | WORDS,
    account_id=st.none() | WORDS,
    from_=st.none() | st.dates(),
    to=st.none() | st.dates(),
    sort=st.none() | st.builds(Sort, st.sampled_from(SORT_FIELDS), st.sampled_from(["asc", "desc"])),
)
KEYWORDS = """SELECT FROM WHERE AND IN ORDER BY ASC DESC NULLS FIRST LAST LIMIT OFFSET AS count upper contains
    total sorted_by entries""".split()  # noqa: SIM905


def statements(query: Query, source: str | None) -> list[Statement]:
    return [
        count(query, source),
        page(query, source),
        every_index(query, source),
        every_index(query, source, skip=3, take=5),
    ]


@given(QUERIES, st.none() | WORDS)
def test_nothing_but_known_words_is_written_into_a_statement(query: Query, source: str | None) -> None:
    for statement in statements(query, source):
        words = re.sub(r"[?=,()*]|>=|<=", " ", statement.sql).split()
        assert [word for word in words if word not in KEYWORDS and word not in statement.columns] == []


@given(QUERIES, st.none() | WORDS)
def test_each_question_mark_has_its_value(query: Query, source: str | None) -> None:
    for statement in statements(query, source):
        assert statement.sql.count("?") == len(statement.params)


@given(QUERIES)
def test_every_order_says_where_nulls_go_and_ends_with_the_leaf(query: Query) -> None:
    order = page(query).sql.partition(" ORDER BY ")[2].partition(" LIMIT ")[0].split(", ")
    assert order[-1] == "index ASC"
    assert all(re.fullmatch(r"\w+ (ASC|DESC) NULLS (FIRST|LAST)", term) for term in order[:-1])
    assert "//" not in page(query).sql


def test_a_page_by_all_filters_reads_as_it_would_be_written_by_hand() -> None:
    query = Query(
        user_name="ann",
        resource_types=("USER", "APIKEY"),
        status="FAILURE",
        from_=dt.date(2026, 1, 1),
        sort=Sort("action", "desc"),
        offset=40,
    )
    assert page(query, "here") == Statement(
        "SELECT action AS sorted_by, time, id, index FROM entries WHERE source = ? AND contains(user_name, ?)"
        " AND resource_type IN (?, ?) AND upper(status) = ? AND day >= ?"
        " ORDER BY action DESC NULLS FIRST, time ASC NULLS LAST, id ASC NULLS FIRST, index ASC LIMIT ? OFFSET ?",
        ("here", "ann", "USER", "APIKEY", "FAILURE", dt.date(2026, 1, 1), 20, 40),
    )


@pytest.mark.parametrize("field", ["user_name", "action", "resource_id", "status", "account_id"])
def test_a_text_that_utf_8_cannot_carry_is_compared_as_null(field: str) -> None:
    [condition] = conditions(msgspec.structs.replace(Query(), **{field: "\udcff"}))
    assert condition.params == (None,)


def test_a_field_that_the_api_does_not_sort_by_is_no_column() -> None:
    with pytest.raises(KeyError):
        page(Query(sort=Sort("time; DROP TABLE entries")))

"""Pages, order and totals that are not as the contract has them."""

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from tests.sandbox.conftest import ReaderMaker
from tests.sandbox.reading import Clock, Reader, ids

DAY = "2026-03-25"


def by_pages(reader: Reader, size: int, **params: Any) -> list[bytes]:
    """All rows, read page by page, each from where the rows received so far end; given up after 60 pages."""
    got: list[bytes] = []
    for _ in range(60):
        items = reader.items(limit=size, offset=len(got), **params)
        got.extend(items)
        if len(got) >= reader.page(limit=0)["total"]:
            break
    return got


# ---- limits


def test_a_lower_cap_is_echoed(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("cap=30")
    page = reader.page(limit=1000, offset=50)
    assert (page["total"], page["offset"], page["limit"]) == (200, 50, 30)
    assert reader.items(offset=50) == plain.items(offset=50, limit=30)
    assert reader.answer(limit=29).data == plain.answer(limit=29).data


def test_a_silent_cap_echoes_the_limit_that_was_asked_for(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("cap-silent=30")
    assert (reader.page(limit=1000)["limit"], reader.items()) == (1000, plain.items(limit=30))
    assert reader.answer(limit=29).data == plain.answer(limit=29).data


def test_a_limit_that_is_too_large_is_refused_with_400(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("limit-refused=50")
    refused = reader.answer(limit=51)
    assert (refused.status, refused.json()["errors"][0]["message"]) == (400, "Invalid limit [51].")
    assert reader.answer(limit=50).data == plain.answer(limit=50).data


def test_short_pages_are_the_beginning_of_those_asked_for_and_none_is_empty(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("short-pages")
    lengths = Counter[bool]()
    for offset in range(0, 200, 20):
        got, whole = reader.items(limit=20, offset=offset), plain.items(limit=20, offset=offset)
        assert got == whole[: len(got)]
        assert got
        lengths[len(got) < len(whole)] += 1
    assert lengths == {False: 6, True: 4}  # the last page is never cut
    assert reader.page(limit=0)["total"] == 200
    assert by_pages(faulty("short-pages=1"), 50) == plain.items()


def test_an_empty_page_midway_is_full_when_it_is_asked_for_again(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("empty-page=2")
    pages = [reader.page(limit=20, offset=offset) for offset in range(0, 200, 20)]
    assert [len(page["items"]) for page in pages] == [20, 20, 0, 20, 0, 20, 0, 20, 0, 20]
    assert {page["total"] for page in pages} == {200}
    assert reader.items(limit=20, offset=40) == plain.items(limit=20, offset=40)


# ---- offsets


@pytest.mark.parametrize(("fault", "echoed"), [("offset-ignored", 70), ("offset-zero", 0)])
def test_an_ignored_offset_gives_the_first_rows(faulty: ReaderMaker, plain: Reader, fault: str, echoed: int) -> None:
    reader = faulty(fault)
    assert reader.items(limit=20, offset=70) == plain.items(limit=20)
    assert reader.page(limit=20, offset=70)["offset"] == echoed


@pytest.mark.parametrize(("fault", "echoed"), [("offset-rounded", 59), ("offset-rounded-told", 40)])
def test_an_offset_is_rounded_down_to_whole_pages(faulty: ReaderMaker, plain: Reader, fault: str, echoed: int) -> None:
    reader = faulty(fault)
    assert reader.items(limit=20, offset=59) == plain.items(limit=20, offset=40)
    assert reader.page(limit=20, offset=59)["offset"] == echoed
    assert reader.answer(limit=20, offset=60).data == plain.answer(limit=20, offset=60).data


def test_offsets_may_be_counted_from_one(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("offset-from-one")
    assert reader.items(limit=5) == reader.items(limit=5, offset=1) == plain.items(limit=5)
    assert reader.items(limit=5, offset=20) == plain.items(limit=5, offset=19)
    assert reader.page(limit=5, offset=20)["offset"] == 20


def test_a_deep_offset_is_refused_with_400(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("deep-offset=50")
    refused = reader.answer(offset=51)
    assert (refused.status, refused.json()["errors"][0]["message"]) == (400, "Invalid offset [51].")
    assert reader.answer(offset=50).data == plain.answer(offset=50).data


def test_a_deep_offset_may_be_answered_with_nothing(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("deep-offset-empty=50")
    assert (reader.page(offset=51)["items"], reader.page(offset=51)["total"]) == ([], 200)
    assert reader.answer(offset=50).data == plain.answer(offset=50).data


# ---- days and names


def test_to_may_be_exclusive(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("to-exclusive")
    assert reader.page(from_=DAY, to=DAY)["total"] == 0
    assert reader.items(from_="2026-03-24", to=DAY) == plain.items(from_="2026-03-24", to="2026-03-24")
    assert reader.items(from_=DAY) == plain.items(from_=DAY)


@pytest.mark.parametrize(("minutes", "first", "last"), [(330, "24T18:30", "25T18:29"), (-120, "25T02:00", "26T01:59")])
def test_days_may_be_those_of_another_zone(
    faulty: ReaderMaker, plain: Reader, minutes: int, first: str, last: str
) -> None:
    reader = faulty(f"zone={minutes}")
    expected = [e for e in plain.page(limit=1000)["items"] if first <= e["timestamp"][8:16] <= last]
    assert reader.page(from_=DAY, to=DAY, limit=1000)["items"] == expected
    assert len(expected) > 5
    assert reader.items() == plain.items()


def test_names_may_match_whatever_their_case(faulty: ReaderMaker, plain: Reader) -> None:
    assert (plain.page(user_name="SVC-")["total"], plain.page(user_name="svc-")["total"] > 5) == (0, True)
    assert faulty("any-case").items(user_name="SvC-") == plain.items(user_name="svc-")


# ---- order


def test_ties_come_in_another_order_each_time_and_stay_together(faulty: ReaderMaker) -> None:
    reader = faulty("ties=21600")
    first, second = (reader.page(limit=1000)["items"] for _ in range(2))
    assert first != second
    assert sorted(map(json.dumps, first)) == sorted(map(json.dumps, second))
    times = [entry["timestamp"] for entry in first]
    assert times == sorted(times) == [entry["timestamp"] for entry in second]
    assert {time[11:] for time in times} == {"00:00:00Z", "06:00:00Z", "12:00:00Z", "18:00:00Z"}


def test_rows_of_one_tie_change_pages(faulty: ReaderMaker) -> None:
    reader = faulty("ties=86400")
    day = reader.page(from_=DAY, to=DAY)["total"]
    seams = [
        [e for n in (0, day // 2) for e in ids(reader.items(from_=DAY, to=DAY, limit=day // 2, offset=n))]
        for _ in range(3)
    ]
    assert all(len(set(seam)) < len(seam) for seam in seams)
    assert [e["timestamp"] for e in reader.page(sort="timestamp:desc", limit=1000)["items"]] == sorted(
        (e["timestamp"] for e in reader.page(limit=1000)["items"]), reverse=True
    )


def test_there_may_be_no_order_at_all(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("no-order")
    first, second = (reader.items(sort="timestamp:asc") for _ in range(2))
    assert first != second
    assert sorted(first) == sorted(second) == sorted(plain.items())
    assert len(set(reader.items(limit=10))) == 10  # few rows of many come another way


def test_an_order_by_chance_may_at_least_stand(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("unordered")
    assert reader.items() == reader.items() != plain.items()
    assert by_pages(reader, 30) == reader.items()
    assert sorted(reader.items()) == sorted(plain.items())


def test_the_newest_may_come_first_whatever_is_asked(faulty: ReaderMaker, plain: Reader) -> None:
    assert faulty("newest-first").items(sort="action:asc") == plain.items(sort="timestamp:desc")


def test_every_second_request_may_reach_a_copy_that_lags(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("replicas=3", "unknown-fields")
    assert [reader.page(limit=1)["total"] for _ in range(4)] == [200, 197, 200, 197]
    ahead, behind = reader.items(), reader.items()
    assert (len(ahead), behind) == (200, ahead[:197])
    assert plain.items() == [item.replace(b',"ip_address"', b'}"', 1).partition(b'}"')[0] + b"}" for item in ahead]


# ---- totals


@pytest.mark.parametrize(
    ("fault", "totals"),
    [
        ("total-high", (201, 32, 0)),
        ("total-high=7", (207, 38, 0)),
        ("total-low=2", (198, 29, 0)),
        ("total-capped=150", (150, 31, 0)),
        ("total-page", (20, 20, 0)),
        ("total-zero", (0, 0, 0)),
        ("total-negative", (-1, -1, -1)),
        ("total-null", (None, None, None)),
        ("total-string", ("200", "31", "0")),
        ("total-float", (200.0, 31.0, 0.0)),
    ],
)
def test_a_total_is_wrong_and_nothing_else(
    faulty: ReaderMaker, plain: Reader, fault: str, totals: tuple[Any, ...]
) -> None:
    reader = faulty(fault)
    for params, total in zip(({}, {"from_": DAY, "to": DAY}, {"from_": "2027-01-01"}), totals, strict=True):
        page = reader.page(**params)
        assert (page["total"], type(page["total"])) == (total, type(total))
        assert page == plain.page(**params) | {"total": total}


def test_a_total_may_be_missing(faulty: ReaderMaker, plain: Reader) -> None:
    page = plain.page()
    del page["total"]
    assert faulty("total-missing").page() == page


def test_a_total_may_be_another_on_every_second_page(faulty: ReaderMaker) -> None:
    reader = faulty("total-flickers=2")
    assert [reader.page()["total"] for _ in range(4)] == [200, 202, 200, 202]


def test_a_total_may_be_stale_for_some_seconds(faulty: ReaderMaker) -> None:
    clock = Clock()
    reader = faulty("total-stale=5", clock=clock)
    assert reader.page()["total"] == 200
    reader.box.log_late(4)
    clock.move(4.9)
    page = reader.page(limit=1000)
    assert (page["total"], len(page["items"]), reader.page(sort="action")["total"]) == (200, 204, 200)
    clock.move(0.1)
    assert reader.page()["total"] == 204


def test_paging_by_what_was_received_gets_everything_where_pages_are_merely_small(
    faulty: ReaderMaker, plain: Reader
) -> None:
    for fault in ("cap=17", "cap-silent=17", "short-pages=1", "empty-page=3"):
        assert by_pages(faulty(fault), 60) == plain.items(), fault


def test_totals_do_not_hang_together_where_days_or_order_are_odd(faulty: ReaderMaker) -> None:
    reader = faulty("to-exclusive")
    days = [f"2026-03-{day}" for day in range(22, 32)]
    assert sum(reader.page(from_=day, to=day)["total"] for day in days) == 0
    assert sum(reader.page(from_=day, to=after)["total"] for day, after in pairwise([*days, "2026-04-01"])) == 200

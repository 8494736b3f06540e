"""Entries that no tutorial shows, byte for byte over the wire; and keys, lookups and clocks that are not right."""

import json
import math
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from tests.sandbox.conftest import ReaderMaker
from tests.sandbox.reading import NOON, Clock, Reader, ids

TEN = ("id", "account", "resource_type", "resource_id", "resource_name", "action", "user", "timestamp", "description")


def odd(reader: Reader, plain: Reader) -> list[bytes]:
    """What the log has beside what it would have, which is still there in order."""
    usual = set(plain.items())
    found = reader.items()
    assert [item for item in found if item in usual] == plain.items()
    return [item for item in found if item not in usual]


def nulls(item: bytes) -> bool:
    entry = json.loads(item)
    return {name for name, value in entry.items() if value is not None} == {"id", "timestamp"} and len(entry) == 10


def no_id(item: bytes) -> bool:
    return json.loads(item).get("id") in (None, "")


def deep(item: bytes) -> bool:
    return item.count(b"[") >= 2000 or item.count(b"{") >= 2000


def surrogates(item: bytes) -> bool:
    return any("\ud800" <= sign <= "\udfff" for sign in json.loads(item)["description"])


def not_utf8(item: bytes) -> bool:
    try:
        item.decode()
    except UnicodeDecodeError:
        return True
    return False


def twice(item: bytes) -> bool:
    return item.count(b'"status":') == 2 and item.count(b'"description":') == 3


def no_number(item: bytes) -> bool:
    return not math.isfinite(json.loads(item)["ratio"])


def large(item: bytes) -> bool:
    serial = Decimal(item.partition(b'"serial":')[2].rstrip(b"}").decode())
    return serial >= 2**64 or serial < -(2**63) or len(serial.as_tuple().digits) >= 400


def controls(item: bytes) -> bool:
    name = json.loads(item)["user"]["name"]
    return "\x00" in name and "\x1b" in name and "\u202e" in name and "\u2066" in name


def raw_controls(item: bytes) -> bool:
    with pytest.raises(json.JSONDecodeError, match="Invalid control character"):
        json.loads(item)
    return bool(json.loads(item, strict=False)["description"])


def spaced(item: bytes) -> bool:
    return b"\n" in item and set(TEN) < set(json.loads(item))


def escaped(item: bytes) -> bool:
    return b'"\\u0069d"' in item and len(json.loads(item)["id"]) == 36


def other_types(item: bytes) -> bool:
    entry = json.loads(item)
    return isinstance(entry["user"], str) or entry["resource_id"] == 17 or entry["status"] is True


def number_id(item: bytes) -> bool:
    return int(json.loads(item)["id"]) > 2**53


@pytest.mark.parametrize(
    ("fault", "usual", "is_odd"),
    [
        ("nulls", 3, nulls),
        ("no-id", 3, no_id),
        ("number-ids", 3, number_id),
        ("big-items", 3, lambda item: len(item) > 2**20),
        ("nesting", 2, deep),
        ("surrogates", 3, surrogates),
        ("bad-utf8", 3, not_utf8),
        ("duplicate-keys", 3, twice),
        ("nan", 3, no_number),
        ("large-numbers", 5, large),
        ("control", 3, controls),
        ("raw-control", 2, raw_controls),
        ("spaced", 2, spaced),
        ("escaped", 2, escaped),
        ("other-types", 3, other_types),
        ("no-objects", 5, lambda item: not item.startswith(b"{")),
    ],
)
def test_odd_entries_lie_among_the_others_and_are_found_by_day_and_filter(
    faulty: ReaderMaker, plain: Reader, fault: str, usual: int, is_odd: Callable[[bytes], bool]
) -> None:
    reader = faulty(fault)
    found = odd(reader, plain)
    assert len(found) == reader.page(limit=1)["total"] - 200 == usual
    assert all(is_odd(item) for item in found)
    for status in ("SUCCESS", "FAILURE"):
        assert set(plain.items(status=status)) <= set(reader.items(status=status))
    by_status = [reader.page(status=status, limit=1)["total"] for status in ("SUCCESS", "FAILURE")]
    by_day = [reader.page(from_=f"2026-03-{day}", to=f"2026-03-{day}", limit=1)["total"] for day in range(22, 32)]
    assert sum(by_status) == sum(by_day) == 200 + usual
    assert len(odd(faulty(f"{fault}=2"), plain)) == 2


def test_kinds_of_content_add_up(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("bad-utf8=2", "nan=2", "nesting=2", "no-objects=2", "surrogates=2", "twins=2", "odd-items")
    assert reader.page(limit=1)["total"] == 200 + 12 + 18
    more = Counter(reader.items()) - Counter(plain.items())
    assert len(more) == more.total() == 12 + 18
    assert len(set(more) & set(plain.items())) == 2
    assert Counter(plain.items()) - Counter(reader.items()) == Counter()


def test_ids_may_be_much_alike(faulty: ReaderMaker, plain: Reader) -> None:
    found = ids(odd(faulty("similar-ids"), plain))
    assert len(set(found)) == 7
    assert len({one.strip().casefold() for one in found}) < 7


def test_entries_may_be_there_twice(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("twins=4")
    items = reader.items()
    assert (len(items), set(items)) == (204, set(plain.items()))
    assert sum(one == other for one, other in pairwise(items)) == 4


def test_an_id_may_be_there_twice_with_other_content(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("unlike-twins=4")
    found = odd(reader, plain)
    assert len(found) == 4
    assert set(ids(found)) < set(ids(plain.items()))


def test_timestamps_may_be_written_otherwise(faulty: ReaderMaker, plain: Reader) -> None:
    was, now = plain.items(), faulty("other-times").items()
    assert [item.replace(b'.000+00:00"', b'Z"') for item in now] == was


def test_an_answer_may_begin_with_a_byte_order_mark(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("bom")
    assert reader.answer(limit=5).data == b"\xef\xbb\xbf" + plain.answer(limit=5).data
    assert reader.ask("user/nobody").data == plain.ask("user/nobody").data


def test_items_may_be_no_list(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("items-type=2")
    pages = [reader.page(limit=n) for n in range(1, 13)]
    assert [page.get("items", "none") for page in pages[1::2]] == [{"0": {}}, None, "[]", 7, True, "none"]
    assert pages[::2] == [plain.page(limit=n) for n in range(1, 13, 2)]
    assert reader.page(limit=2) == plain.page(limit=2)


# ---- keys


@pytest.mark.parametrize(("fault", "status"), [("key-expires=3", 401), ("role-lost=3", 403)])
def test_a_key_is_good_for_so_many_calls(faulty: ReaderMaker, fault: str, status: int) -> None:
    reader = faulty(fault)
    assert Reader(reader.box, reader.pool, "unknown").statuses(2) == [401, 401]  # counts for nothing
    assert [reader.ask(path).status for path in ("audit-log", "user/x", "audit-log")] == [200, 404, 200]
    assert [reader.ask(path).status for path in ("audit-log", "user/x", "account/x")] == [status] * 3


def test_a_key_may_be_for_another_host(faulty: ReaderMaker) -> None:
    reader = faulty("wrong-host")
    assert [Reader(reader.box, reader.pool, key).ask().status for key in reader.box.keys.values()] == [401] * 3 + [403]


def test_a_key_may_reach_less_than_another(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("narrow-key")
    admin = Reader(reader.box, reader.pool, reader.box.keys["AM_ACCOUNT_ADMIN"])
    assert admin.items() == plain.items()
    own = {json.loads(item)["account"]["id"] for item in reader.items()}
    assert len(own) == 1
    assert reader.items() == plain.items(account_id=own.pop())
    other = next(json.loads(item)["account"]["id"] for item in plain.items() if item not in reader.items())
    assert (reader.page(account_id=other)["total"], reader.items(account_id=other)) == (0, [])


# ---- lookups


def everybody(plain: Reader) -> list[str]:
    """Paths of all users and accounts that can be looked up."""
    entries: list[Any] = [json.loads(item) for item in plain.items()]
    users = {f"user/{entry['user']['id']}" for entry in entries if entry["user"]}
    accounts = {f"account/{entry['account']['id']}" for entry in entries}
    return sorted(path for path in users | accounts if plain.ask(path).status == 200)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_share_of_lookups_fails_the_same_ones_always(faulty: ReaderMaker, plain: Reader, status: int) -> None:
    paths, reader = everybody(plain), faulty(f"lookup-{status}=40%")
    statuses = [reader.ask(path).status for path in paths]
    assert set(statuses) == {200, status}
    assert (
        statuses
        == [reader.ask(path).status for path in paths]
        == [faulty(f"lookup-{status}=40%").ask(path).status for path in paths[:3]] + statuses[3:]
    )
    for path, got in zip(paths, statuses, strict=True):
        assert got == status or reader.ask(path).data == plain.ask(path).data
    assert {faulty(f"lookup-{status}=100%").ask(path).status for path in paths[:4]} == {status}


def test_a_lookup_may_be_answered_otherwise_each_time(faulty: ReaderMaker, plain: Reader) -> None:
    reader, path = faulty("lookup-changing"), everybody(plain)[0]
    first, second = reader.ask(path).json(), reader.ask(path).json()
    assert first != second
    assert first | {"locale": 0} == second | {"locale": 0} == plain.ask(path).json() | {"locale": 0}


def test_ids_of_users_may_need_escaping(faulty: ReaderMaker, plain: Reader) -> None:
    reader = faulty("lookup-odd-ids")
    users = [json.loads(item)["user"]["id"] for item in odd(reader, plain)]
    assert len(users) == 7
    assert any("/" in one for one in users)
    for one in users:
        assert reader.ask(f"user/{quote(one, safe='')}").json()["id"] == one
    assert reader.ask("user/a/b").status == 404


# ---- clocks


@pytest.mark.parametrize(
    ("fault", "date"),
    [
        ("date-off", "Wed, 01 Apr 2026 12:07:00 GMT"),
        ("date-off=-90", "Wed, 01 Apr 2026 10:30:00 GMT"),
        ("date-local", "Wed, 01 Apr 2026 17:30:00 GMT"),
        ("date-zone=-120", "Wed, 01 Apr 2026 10:00:00 -0200"),
        ("date-absent", None),
        ("date-unreadable", "2026/04/01 at 12.00"),
    ],
)
def test_the_date_of_every_answer_is_wrong_and_nothing_else(
    faulty: ReaderMaker, plain: Reader, fault: str, date: str | None
) -> None:
    reader = faulty(fault, "http-502=2", clock=Clock())
    for path in ("audit-log", "user/x", "account/x"):
        answer = reader.ask(path)
        assert answer.headers.get("date") == date
        assert len(answer.headers.getlist("date")) == (date is not None)
        assert answer.status == 502 or answer.data == plain.ask(path).data


def test_without_a_fault_the_date_is_right(faulty: ReaderMaker) -> None:
    answer = faulty("http-502=2", clock=Clock()).ask()
    assert parsedate_to_datetime(answer.headers["date"]) == NOON

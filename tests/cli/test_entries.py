"""`muniment entries`: the API's filters over an archive, in four forms."""

import csv
import datetime as dt
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.cells import cell_len
from tests.cli.terminal import Place, Terminal

from muniment.archive.columns import entry_batch, leaf_batch
from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.writer import Writer
from muniment.collect.record import Finding, encode
from muniment.model import Query, Sort
from muniment.sandbox.server import Box

AT = "2026-04-02T12:00:00Z"
FIRST, LAST = dt.date(2026, 3, 20), dt.date(2026, 4, 2)
NEWEST = Sort("timestamp", "desc")
SANDBOX = "account-manager@sandbox"
HEAD = (
    "leaf,id,timestamp,action,resource_type,resource_id,resource_name,status,user_id,user_name,user_status,"
    "account_id,account_name,account_status,description"
)


def served(box: Box, **asked: Any) -> tuple[int, list[bytes]]:
    """What the sandbox answers for the days that were collected."""
    found = box.world.audit_log(msgspec.structs.replace(Query(from_=FIRST, to=LAST, limit=1000), **asked))
    return found.total, list(found.items)


def add(place: Place, payloads: Sequence[bytes], *, source: str | None = None, kind: str = "entry") -> int:
    """Seal more items as the collection would; the first one's leaf."""
    archive = Archive.open(place.archive)
    with Writer(archive, Home(place.home)) as writer, writer.transaction() as transaction:
        name = source or SANDBOX
        batch = entry_batch(name, AT, payloads) if kind == "entry" else leaf_batch(kind, name, AT, payloads)
        return transaction.add(batch)


def find(place: Place, finding: Finding) -> None:
    archive = Archive.open(place.archive)
    with Writer(archive, Home(place.home)) as writer, writer.transaction() as transaction:
        transaction.add_record("finding", encode(finding), AT)


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ((), {}),
        (("--user-name", "a", "--action", "LOGIN"), {"user_name": "a", "action": "LOGIN"}),
        (("--resource-types", "USER,APIKEY"), {"resource_types": ("USER", "APIKEY")}),
        (("--status", "FAILURE"), {"status": "FAILURE"}),
        (("--status", "failure"), {"status": "failure"}),
        (("--sort", "timestamp:desc"), {"sort": Sort("timestamp", "desc")}),
        (("--sort", "action"), {"sort": Sort("action")}),
        (("--sort", "status:desc", "--user-name", "a"), {"sort": Sort("status", "desc"), "user_name": "a"}),
        (("--sort", "description:asc"), {"sort": Sort("description")}),
        (("--from", "2026-03-25", "--to", "2026-03-27"), {"from_": dt.date(2026, 3, 25), "to": dt.date(2026, 3, 27)}),
    ],
)
def test_the_json_document_is_the_page_that_the_source_gives(
    muniment: Terminal,
    collected: Place,
    shared_box: Box,
    words: tuple[str, ...],
    asked: dict[str, Any],
) -> None:
    total, items = served(shared_box, offset=3, limit=50, **asked)
    said = muniment("entries", *words, "--offset", "3", "--limit", "50", "--json")
    assert said.code == 0
    page = b'{"total":%d,"offset":3,"limit":50,"items":[%s]}\n' % (total, b",".join(items))
    assert said.out.encode() == page
    assert collected.archive.exists()


def test_a_page_has_20_entries_and_at_most_1000(muniment: Terminal, collected: Place) -> None:
    page = muniment("entries", "--format", "json").document
    assert (page["offset"], page["limit"], len(page["items"])) == (0, 20, 20)
    assert muniment("entries", "--json", "--limit", "5000").document["limit"] == 1000
    assert collected.archive.exists()


def test_ids_find_what_they_are_ids_of(muniment: Terminal, collected: Place, shared_box: Box) -> None:
    entry = json.loads(served(shared_box)[1][7])
    by_resource = muniment("entries", "--resource-id", entry["resource_id"], "--json").document
    by_account = muniment("entries", "--account-id", entry["account"]["id"], "--json").document
    assert by_resource["total"] == served(shared_box, resource_id=entry["resource_id"])[0]
    assert by_account["total"] == served(shared_box, account_id=entry["account"]["id"])[0]
    assert entry["id"] in {item["id"] for item in by_resource["items"]}
    assert collected.archive.exists()


def test_lines_are_the_exact_bytes_of_all_entries(muniment: Terminal, collected: Place, shared_box: Box) -> None:
    total, items = served(shared_box)
    said = muniment("entries", "--format", "jsonl")
    assert said.out.endswith("\n")
    lines = said.out.encode().removesuffix(b"\n").split(b"\n")
    assert (len(lines), sorted(lines)) == (total, sorted(items))
    assert muniment("entries", "--format", "jsonl", "--limit", "7", "--offset", "2").out == "".join(
        f"{line.decode()}\n" for line in lines[2:9]
    )
    newest = muniment("entries", "--format", "jsonl", "--sort", "timestamp:desc", "--status", "FAILURE").out
    expected = served(shared_box, sort=NEWEST, status="FAILURE")[1]
    assert newest.encode().splitlines() == expected
    assert collected.archive.exists()


def test_a_changed_entry_is_shown_as_it_was_first_but_in_lines_that_show_each_content(
    muniment: Terminal, collected: Place
) -> None:
    first = muniment("entries", "--json", "--limit", "1").document["items"][0]
    source = muniment("status", "--json").document["sources"][0]["name"]
    total = muniment("entries", "--json").document["total"]
    version = add(collected, [json.dumps(first | {"description": "Rewritten"}).encode()], source=source)
    leaf = int(rows(muniment("entries", "--format", "csv", "--limit", "1").out)[0]["leaf"])
    find(
        collected, Finding("content_changed", "a value changed", source, "run", id=first["id"], leaves=[leaf, version])
    )
    page = muniment("entries", "--json", "--resource-id", first["resource_id"], "--limit", "1000").document
    assert [item for item in page["items"] if item["id"] == first["id"]] == [first]
    assert muniment("entries", "--json").document["total"] == total
    assert len(rows(muniment("entries", "--format", "csv").out)) == total
    lines = [json.loads(line) for line in muniment("entries", "--format", "jsonl").out.splitlines()]
    assert [line["description"] for line in lines if line["id"] == first["id"]] == [first["description"], "Rewritten"]
    assert len(lines) == total + 1


def test_the_table_for_spreadsheets_has_a_row_an_entry(muniment: Terminal, collected: Place, shared_box: Box) -> None:
    total, items = served(shared_box)
    said = muniment("entries", "--format", "csv")
    told = rows(said.out)
    assert said.out.splitlines()[0] == HEAD
    assert len(told) == total
    entries = {entry["id"]: entry for entry in map(json.loads, items)}
    for row in told:
        entry = entries[row["id"]]
        assert all(
            row[name] == entry[name] for name in ("timestamp", "action", "resource_type", "status", "description")
        )
        assert (row["account_id"], row["account_status"]) == (entry["account"]["id"], "active")
        assert (row["user_id"], row["user_name"]) == (
            (entry["user"]["id"], entry["user"]["name"]) if entry["user"] else ("", "")
        )
    archive = Archive.open(collected.archive)
    assert all(json.loads(archive.leaf(int(row["leaf"])))["entry"]["id"] == row["id"] for row in told[:20])


def test_the_state_of_users_is_in_the_sources_words_and_the_absence_of_one_in_ours(
    muniment: Terminal, collected: Place, shared_box: Box
) -> None:
    odd = ["u-forbidden", "u-unresolved", "u-gone", "u-never"]
    add(collected, [json.dumps({"id": who, "user": {"id": who, "name": who}}).encode() for who in odd])
    for who, state in zip(odd[:3], ("forbidden", "unresolved", "not_found"), strict=True):
        said = {"id": who, "state": state, "source": SANDBOX, "why": "so"}
        add(collected, [json.dumps(said).encode()], source="muniment", kind="user")
    told = rows(muniment("entries", "--format", "csv").out)
    assert [row["user_status"] for row in told[-4:]] == ["forbidden", "unresolved", "not_found", "unresolved"]
    for row in told[:-4]:
        answer = shared_box.world.user(row["user_id"]) if row["user_id"] else None
        if not row["user_id"]:
            assert row["user_status"] == "no_user"
        elif answer is None:
            assert row["user_status"] == "not_found"
        else:
            assert row["user_status"] == json.loads(answer)["status"]
    assert {"ACTIVE", "no_user"} <= {row["user_status"] for row in told}
    assert collected.archive.exists()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(muniment: Terminal, collected: Place, start: str) -> None:
    add(collected, [json.dumps({"id": f"{start}x", "description": f"{start}1+1"}).encode()])
    row = rows(muniment("entries", "--format", "csv").out)[-1]
    shown = "\\u000d" if start == "\r" else start
    assert (row["id"], row["description"]) == (f"'{shown}x", f"'{shown}1+1")


def test_no_character_hides_in_a_cell(muniment: Terminal, collected: Place) -> None:
    said = {
        "id": "a\u202eb\u2066c\x1bd\x85e\x00f",
        "description": "one\ttwo\nthree é 日本 😀",
        "resource_name": '"quoted", yes',
    }
    add(collected, [json.dumps(said).encode()])
    row = rows(muniment("entries", "--format", "csv").out)[-1]
    assert row["id"] == "a\\u202eb\\u2066c\\u001bd\\u0085e\\u0000f"
    assert row["description"] == said["description"]
    assert row["resource_name"] == said["resource_name"]


def test_an_odd_entry_has_its_row_and_its_line(muniment: Terminal, collected: Place) -> None:
    odd = [b'{"id":5,"timestamp":1772495805,"user":{"id":"u-9","name":null}}', b'{"id":"nan","n":NaN}', b'"no object"']
    add(collected, odd)
    told = rows(muniment("entries", "--format", "csv").out)[-3:]
    assert [(row["id"], row["timestamp"]) for row in told] == [("5", "2026-03-02T23:56:45Z"), ("nan", ""), ("", "")]
    assert [row["user_status"] for row in told] == ["unresolved", "no_user", "no_user"]
    assert [row["account_status"] for row in told] == ["no_account"] * 3
    assert muniment("entries", "--format", "jsonl").out.encode().endswith(b"\n".join(odd) + b"\n")


def test_the_document_is_one_even_if_an_entry_is_no_json(muniment: Terminal, collected: Place) -> None:
    add(collected, [b'{"id":"cut', b'{"id":"lone \\ud800 half"}'])
    page = muniment("entries", "--json", "--sort", "timestamp:desc", "--limit", "3").document
    assert '{"id":"cut' in page["items"]
    assert {"id": "lone \ud800 half"} in page["items"]


def test_two_sources_have_a_column_and_a_filter(muniment: Terminal, collected: Place) -> None:
    add(collected, [b'{"id":"elsewhere-1","action":"LOGIN"}'], source="elsewhere")
    told = rows(muniment("entries", "--format", "csv").out)
    assert told[-1]["source"] == "elsewhere"
    assert len({row["source"] for row in told}) == 2
    assert muniment("entries", "--source", "elsewhere", "--json").document["total"] == 1
    assert len(rows(muniment("entries", "--source", "elsewhere", "--format", "csv").out)) == 1
    refused = muniment("entries", "--source", "nowhere", "--json")
    assert (refused.code, "elsewhere" in refused.error["hint"]) == (2, True)


@pytest.mark.parametrize("columns", ["80", "50", "132"])
def test_a_person_gets_a_table_that_fits_the_terminal(
    muniment: Terminal, collected: Place, shared_box: Box, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    add(
        collected,
        [json.dumps({"id": "x" * 90, "timestamp": "soon", "action": "\u202e" + "W" * 90, "status": "?" * 40}).encode()],
    )
    monkeypatch.setenv("COLUMNS", columns)
    said = muniment("entries", "--sort", "timestamp:desc", "--limit", "5")
    lines = said.out.splitlines()
    assert max(map(cell_len, lines)) <= int(columns)
    total = served(shared_box)[0] + 1
    assert lines[-1] == f"5 of {total} entries; --offset 5 shows the next"
    if columns != "50":
        newest = json.loads(served(shared_box, sort=NEWEST)[1][0])
        day, time = newest["timestamp"].removesuffix("Z").split("T")
        assert f"{day} {time} Z" in said.out
        assert f"{newest['id'][:8]}…{newest['id'][-4:]}" in said.out
    assert "\u202e" not in said.out


def test_states_have_a_sign_and_a_word(muniment: Terminal, collected: Place) -> None:
    assert "✗ failure" in muniment("entries", "--status", "FAILURE").out
    assert "✓ success" in muniment("entries", "--status", "SUCCESS").out
    assert "0 of 0 entries" in muniment("entries", "--action", "NOTHING").out
    plain = collected.call("entries", "--status", "FAILURE", LC_ALL="C")
    assert (plain.code, "XX failure" in plain.out, plain.out.isascii()) == (0, True, True)


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "csv"])
def test_a_file_gets_what_stdout_would(muniment: Terminal, collected: Place, form: str) -> None:
    out = collected.work / "some.out"
    printed = muniment("entries", "--format", form, "--limit", "5").out
    said = muniment("entries", "--format", form, "--limit", "5", "--out", out)
    assert (said.code, said.out, said.err) == (0, "", f"5 entries in {out}\n")
    if form != "table":
        assert out.read_text() == printed
    assert "5 of" in out.read_text() or form != "table"
    assert list(collected.work.iterdir()) == [out]
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~current_umask()


def current_umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_a_file_that_is_there_stays_until_the_new_one_is_whole(muniment: Terminal, collected: Place) -> None:
    out = collected.work / "some.out"
    out.write_text("before")
    segment = max((collected.archive / "segment").iterdir(), key=lambda file: file.stat().st_size)
    data = segment.read_bytes()
    segment.write_bytes(data[: len(data) // 2] + bytes(100) + data[len(data) // 2 + 100 :])
    said = muniment("entries", "--format", "jsonl", "--out", out, "--json")
    assert said.code == 10
    assert segment.name in said.error["message"]
    assert (out.read_text(), list(collected.work.iterdir())) == ("before", [out])


def test_a_link_is_written_through_and_a_pipe_is_written_to(muniment: Terminal, collected: Place) -> None:
    target, link = collected.folder / "target.csv", collected.work / "link.csv"
    link.symlink_to(target)
    assert muniment("entries", "--format", "csv", "--out", link).code == 0
    assert link.is_symlink()
    assert target.read_text().startswith(HEAD)
    assert muniment("entries", "--format", "csv", "--out", "/dev/null").code == 0
    assert Path("/dev/null").is_char_device()


def test_with_a_file_the_document_says_what_is_in_it(muniment: Terminal, collected: Place) -> None:
    out = collected.work / "some.csv"
    said = muniment("entries", "--format", "csv", "--limit", "4", "--out", out, "--json")
    assert said.document == {"out": str(out), "format": "csv", "entries": 4}
    assert len(rows(out.read_text())) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--sort", "shoe:asc"), "Invalid sort [shoe:asc]."),
        (("--sort", "timestamp:sideways"), "Invalid sort [timestamp:sideways]."),
        (("--sort", "timestamp:asc:desc"), "Invalid sort [timestamp:asc:desc]."),
        (("--limit", "-1"), "Invalid limit [-1]."),
        (("--limit", "abc"), "Invalid limit [abc]."),
        (("--offset", "-1"), "Invalid offset [-1]."),
        (("--from", "2026/01/01"), "Invalid from [2026/01/01]."),
        (("--to", "2026-02-30"), "Invalid to [2026-02-30]."),
        (("--from", "2026-03-02", "--to", "2026-03-01"), "--from 2026-03-02 lies after --to 2026-03-01"),
        (("--format", "docx"), "docx"),
        (("--format", "csv"), "--format csv"),
        (("--out", "nowhere/some.csv", "--format", "csv"), "--out nowhere/some.csv: No such file or directory"),
        (("--out", ".", "--format", "csv"), "--out .: Is a directory"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    muniment: Terminal, collected: Place, words: tuple[str, ...], message: str
) -> None:
    said = muniment("entries", *words, "--json")
    assert said.code == 2
    assert message in said.error["message"]
    assert list(collected.work.iterdir()) == []


def test_a_file_that_does_not_fit_leaves_the_one_before(collected: Place) -> None:
    assert collected.call("entries", "--json").code == 0  # what is derived is there already
    out = collected.work / "some.jsonl"
    out.write_text("before")
    program = (
        "import resource, signal; from muniment.cli.main import main;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9_000, 9_000)); main()"
    )
    words = ["entries", "--format", "jsonl", "--out", str(out), "--json"]
    env = {
        name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT")
    } | collected.environment()
    done = subprocess.run([sys.executable, "-c", program, *words], env=env, capture_output=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["error"]["message"]) == (1, f"--out {out}: File too large")
    assert (out.read_text(), list(collected.work.iterdir())) == ("before", [out])


def test_an_unwritable_cache_is_done_without(
    muniment: Terminal, collected: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = muniment("entries", "--json").out
    blocked = collected.folder / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("MUNIMENT_CACHE", str(blocked))
    assert muniment("entries", "--json").out == expected


def test_a_text_that_is_no_utf_8_matches_nothing(collected: Place) -> None:
    said = collected.call("entries", "--user-name", os.fsdecode(b"\xff"), "--json")
    assert (said.code, said.document["total"]) == (0, 0)

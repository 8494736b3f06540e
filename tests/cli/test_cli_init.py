"""`muniment init`: a new archive, and the key that signs it."""

import re
import stat

import pytest
from tests.cli.terminal import Place, Terminal

from muniment.archive.reading import Archive
from muniment.merkle.note import Signer


def test_the_document_names_archive_origin_vkey_and_key_file(muniment: Terminal, place: Place) -> None:
    said = muniment("init", "--origin", "audit.example.com/log", "--json")
    told = said.document
    assert set(told) == {"archive", "origin", "vkey", "key_file"}
    assert (told["archive"], told["origin"]) == (str(place.archive), "audit.example.com/log")
    assert told["vkey"].startswith("audit.example.com/log+")
    assert told["key_file"] == str(place.key_files()[0])
    assert Archive.open(place.archive).verifier.vkey == told["vkey"]


def test_the_key_is_the_users_alone(muniment: Terminal, place: Place) -> None:
    muniment("init")
    (key_file,) = place.key_files()
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.home.stat().st_mode) == 0o700
    assert place.archive not in key_file.parents
    assert "PRIVATE" not in str(place.archive)
    assert not any(b"PRIVATE+KEY" in file.read_bytes() for file in place.archive.rglob("*") if file.is_file())


def test_the_words_say_how_to_keep_the_key_and_to_whom_the_vkey_goes(muniment: Terminal, place: Place) -> None:
    said = muniment("init")
    assert said.out == ""
    (key_file,) = place.key_files()
    vkey = Signer.parse(key_file.read_text().strip()).vkey
    words = " ".join(said.err.split())
    assert str(key_file) in words
    assert "Copy it to a safe place" in words
    assert vkey in said.err.splitlines()[-1]
    assert "auditor" in words
    assert "PRIVATE" not in said.err


def test_without_an_origin_there_is_one_that_no_other_archive_has(muniment: Terminal) -> None:
    one, two = (muniment("init", "--archive", name, "--json").document["origin"] for name in ("one", "two"))
    assert one != two
    assert re.fullmatch(r"muniment/[^/+\s]+/[0-9a-f]{8}", one)


@pytest.mark.parametrize("origin", ["", " ", "two words", "a+b", "line\nbreak", "\u2028"])
def test_an_origin_that_no_log_can_have_is_exit_2_and_leaves_nothing(
    muniment: Terminal, place: Place, origin: str
) -> None:
    said = muniment("init", "--origin", origin, "--json")
    assert (said.code, said.error["code"]) == (2, "bad_input")
    assert not place.archive.exists()
    assert not place.home.exists()


def test_an_empty_folder_may_be_there_already(muniment: Terminal, place: Place) -> None:
    place.archive.mkdir()
    assert muniment("init").code == 0


def test_a_home_by_default_is_in_the_users_own(
    muniment: Terminal, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MUNIMENT_HOME")
    told = muniment("init", "--archive", "one", "--json").document
    assert told["key_file"].startswith(str(place.folder / "nobody" / ".config" / "muniment"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(place.folder / "xdg"))
    told = muniment("init", "--archive", "two", "--json").document
    assert told["key_file"].startswith(str(place.folder / "xdg" / "muniment"))

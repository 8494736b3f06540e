import errno
import stat
import tomllib
from pathlib import Path

import pytest
from tests.archive.simulated_disk import SimulatedDisk
from tests.archive.world import NOW, ORIGIN, found, leaves_of, page, seal, writer_on

from muniment.archive.founding import initialise
from muniment.archive.genesis import Genesis, default_origin, parse_genesis
from muniment.archive.home import Home
from muniment.archive.leaf import encode_leaf, parse_leaf
from muniment.archive.reading import Archive
from muniment.archive.storage import LocalFolder
from muniment.errors import ArchiveError, ArchiveExists, BadInput, KeyMissing, NoArchive, NotEvidence, StorageError
from muniment.merkle.note import Signer, Verifier, open_note
from muniment.merkle.tree import leaf_hash

PLACE = Path("/disk")


def test_a_new_archive_has_its_facts_in_leaf_0_and_in_a_file_for_people(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    archive = initialise(tmp_path / "deep" / "archive", home, ORIGIN, now=NOW)
    (leaf,) = leaves_of(archive)
    facts = parse_genesis(leaf)
    assert facts == Genesis(1, "sha256", ORIGIN, archive.verifier.vkey)
    assert (parse_leaf(leaf).kind, parse_leaf(leaf).observed_at) == ("archive", "2026-03-02T23:56:45Z")
    assert archive.genesis == leaf_hash(leaf)
    text = (tmp_path / "deep/archive/archive.toml").read_bytes()
    assert tomllib.loads(text.decode()) == {"format": 1, "hash": "sha256", "origin": ORIGIN, "vkey": facts.vkey}
    assert text == facts.toml()
    assert archive.vkeys == (facts.vkey,)
    assert open_note(archive.note, [archive.verifier]).verified[0].name == ORIGIN


def test_the_signing_key_is_in_the_home_alone_and_for_its_owner_alone(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    key_file = home.key_file(archive.verifier)
    assert key_file.parent.parent == tmp_path / "home"
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    secret = key_file.read_text().strip()
    assert secret.startswith(f"PRIVATE+KEY+{ORIGIN}+{archive.verifier.key_id}+")
    assert Signer.parse(secret).vkey == archive.verifier.vkey
    private = secret.rpartition("+")[2].encode()
    assert all(private not in archive.storage.read(file) for file in archive.storage.files())
    assert "seed" not in repr(home.signer(archive.verifier))


def test_no_two_archives_have_the_same_default_origin(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    one = initialise(tmp_path / "one", home, now=NOW)
    two = initialise(tmp_path / "two", home, now=NOW)
    assert one.origin != two.origin
    assert one.origin.startswith("muniment/")
    assert default_origin("My Host+1.", "1f2e3d4c") == "muniment/my-host-1/1f2e3d4c"
    assert default_origin("\u4e3b\u673a", "1f2e3d4c") == "muniment/host/1f2e3d4c"


@pytest.mark.parametrize("origin", ["", "two words", "a+b", "a\nb", "tab\t", "del\x7f", "wide\u3000space"])
def test_an_origin_that_no_log_can_have_is_bad_input(tmp_path: Path, origin: str) -> None:
    with pytest.raises(BadInput, match="origin"):
        initialise(tmp_path / "archive", Home(tmp_path / "home"), origin, now=NOW)
    assert not (tmp_path / "archive").exists()
    assert not (tmp_path / "home").exists()


def test_an_archive_is_not_made_twice(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    with pytest.raises(ArchiveExists):
        initialise(tmp_path / "archive", home, now=NOW)
    assert Archive.open(tmp_path / "archive").root == archive.root


def test_an_archive_is_made_in_an_empty_folder_and_nowhere_else(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    (tmp_path / "file").write_text("no archive")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    (tmp_path / "empty").mkdir()
    for path, words in ((tmp_path / "file", "is a file"), (tmp_path / "full", "letter.txt")):
        with pytest.raises(ArchiveError, match=words):
            initialise(path, home, now=NOW)
        with pytest.raises(NoArchive):
            Archive.open(path)
    assert sorted(path.name for path in (tmp_path / "full").iterdir()) == ["letter.txt"]
    assert not (tmp_path / "home").exists()
    assert initialise(tmp_path / "empty", home, now=NOW).size == 1


def test_a_folder_without_an_archive_is_told_apart_from_an_archive_without_its_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(NoArchive, match="there is no archive in"):
        Archive.open(tmp_path / "nothing")
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 3))
    (tmp_path / "archive/checkpoint").unlink()
    with pytest.raises(NotEvidence, match="checkpoint: missing"):
        Archive.open(tmp_path / "archive")
    with pytest.raises(ArchiveExists, match="checkpoint is missing"):
        initialise(tmp_path / "archive", home, now=NOW)


def test_a_disk_that_refuses_at_any_step_leaves_room_for_another_try() -> None:
    for step in range(200):
        disk = SimulatedDisk()
        disk.make_folder(PLACE)
        disk.refuse(step, errno.ENOSPC)
        try:
            found(PLACE, disk=disk)
        except StorageError as error:
            assert "No space left" in error.message  # noqa: PT017 - every step is tried, not all are refused
            disk.allow()
            try:
                archive = Archive.open(storage=LocalFolder(PLACE / "archive", disk=disk))
                assert "no archive" not in error.hint  # noqa: PT017
            except NoArchive:
                assert error.hint.endswith("; there is no archive yet.")  # noqa: PT017
                archive, _ = found(PLACE, disk=disk)
            assert archive.size == 1
        else:
            break
    else:
        pytest.fail("it never went through")
    assert step > 20


def test_a_leaf_0_that_is_none_or_of_a_later_format_is_refused() -> None:
    at = "2026-03-02T23:56:45Z"
    facts = Genesis(1, "sha256", ORIGIN, "v")
    assert parse_genesis(encode_leaf("archive", "muniment", at, facts.encode())) == facts
    for leaf, words in (
        (encode_leaf("entry", "muniment", at, facts.encode()), "of kind entry"),
        (encode_leaf("archive", "muniment", at, b'{"format":1}'), "does not say"),
        (encode_leaf("archive", "muniment", at, Genesis(2, "sha256", ORIGIN, "v").encode()), "format 2"),
    ):
        with pytest.raises(NotEvidence, match=words):
            parse_genesis(leaf)


def test_a_key_file_that_holds_another_key_or_none_is_told_without_its_content(tmp_path: Path) -> None:
    home = Home(tmp_path)
    signer, other = Signer(ORIGIN, bytes(32)), Signer(ORIGIN, b"\1" * 32)
    path = home.keep(signer)
    assert home.signer(signer.verifier) == signer
    with pytest.raises(KeyMissing, match="not there"):
        home.signer(other.verifier)
    path.write_text(other.encode() + "\n")
    with pytest.raises(KeyMissing, match="holds the key of"):
        home.signer(signer.verifier)
    with pytest.raises(ArchiveError, match="another key already"):
        home.keep(signer)
    path.write_text(signer.encode()[:-3])
    with pytest.raises(KeyMissing, match="holds no signing key") as refusal:
        home.signer(signer.verifier)
    assert signer.encode().rpartition("+")[2][:10] not in str(refusal.value)
    assert Verifier.parse(signer.vkey) == signer.verifier

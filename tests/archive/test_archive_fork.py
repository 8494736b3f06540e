"""No fork and no way back: an older copy, two copies, a lost key, and what is said of them ever after."""

import shutil
from base64 import b64decode
from pathlib import Path

import msgspec
import pytest
from tests.archive.world import AT, ORIGIN, found, item, leaves_of, opened, page, root_of, seal, writer_on

from muniment.archive.home import Home
from muniment.archive.keychain import KeyChange, change_text, make_change, parse_change, verify_change
from muniment.archive.leaf import encode_leaf, parse_leaf
from muniment.archive.reading import Archive
from muniment.archive.recovery import Recovery, change_key, recover
from muniment.archive.writer import Writer
from muniment.errors import ArchiveError, BadInput, Busy, KeyMissing, NotEvidence, NotOurs
from muniment.merkle.note import Signer, Verifier


def copy_of(path: Path, name: str) -> Path:
    shutil.copytree(path / "archive", path / name)
    return path / name


def put_back(path: Path, copy: Path) -> None:
    shutil.rmtree(path / "archive")
    copy.rename(path / "archive")


def writer(path: Path, name: str = "archive") -> Writer:
    return writer_on(Archive.open(path / name), Home(path / "home"))


@pytest.fixture
def forked(tmp_path: Path) -> Path:
    """A place whose archive is an older copy: what was last signed for it has three leaves more."""
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 5))
    older = copy_of(tmp_path, "older")
    seal(writer(tmp_path), page(5, 3))
    shutil.copytree(tmp_path / "archive", tmp_path / "newer")
    put_back(tmp_path, older)
    return tmp_path


def test_an_older_copy_that_was_put_back_is_refused_and_nothing_in_it_changes(forked: Path) -> None:
    before = {file: (forked / "archive" / file).read_bytes() for file in opened(forked)[0].storage.files()}
    with pytest.raises(NotOurs, match="has 6 leaves, but one of 9 was signed") as refusal:
        seal(writer(forked), page(100, 1))
    assert "recover" in refusal.value.hint
    after = {file: (forked / "archive" / file).read_bytes() for file in opened(forked)[0].storage.files()}
    assert {file: data for file, data in after.items() if not file.startswith("lock/")} == {
        file: data for file, data in before.items() if not file.startswith("lock/")
    }


def test_a_recovery_says_in_a_leaf_what_was_abandoned_and_goes_on(forked: Path) -> None:
    abandoned = (forked / "newer/checkpoint").read_text()
    writing = writer(forked)
    done = recover(writing, "disk failed, restored from backup", by="ops")
    archive = writing.archive
    assert (done.leaf, archive.size) == (6, 7)
    leaf = parse_leaf(archive.leaf(6))
    assert leaf.kind == "recovery"
    assert msgspec.json.decode(leaf.payload, type=Recovery) == Recovery(
        "disk failed, restored from backup", abandoned, "ops"
    )
    assert seal(writing, page(5, 4)) == 11
    leaves = leaves_of(opened(forked)[0])
    assert root_of(leaves) == archive.root
    assert [index for index, _ in archive.record()] == [6]


def test_an_abandoned_copy_stays_refused(forked: Path) -> None:
    recover(writer(forked), "restored")
    with pytest.raises(NotOurs, match=r"two copies diverged|signed for it already"):
        seal(writer(forked, "newer"), page(100, 1))
    seal(writer(forked), page(100, 20))
    with pytest.raises(NotOurs, match="signed for it already"):
        seal(writer(forked, "newer"), page(100, 1))


def test_two_copies_that_diverge_are_told_apart(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 5))
    copy_of(tmp_path, "twin")
    seal(writer(tmp_path), page(5, 1))
    with pytest.raises(NotOurs):
        seal(writer(tmp_path, "twin"), page(6, 1))
    recover(writer(tmp_path, "twin"), "the other copy is given up")
    seal(writer(tmp_path, "twin"), page(7, 9))
    with pytest.raises(NotOurs):
        seal(writer(tmp_path), page(8, 1))
    # the copy that was given up grows past it by another's hand: longer is not enough
    shutil.rmtree(tmp_path / "home/signed")
    seal(writer(tmp_path), page(8, 50))
    (tmp_path / "home/signed" / archive.genesis.hex()).write_text((tmp_path / "twin/checkpoint").read_text())
    with pytest.raises(NotOurs, match="two copies diverged"):
        seal(writer(tmp_path), page(9, 1))


def test_a_mixture_of_two_copies_does_not_pass_for_either(tmp_path: Path) -> None:
    """Files of the abandoned tree lie among those of the other: its right edge is there, and proves nothing."""
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 5))
    twin = copy_of(tmp_path, "twin")
    seal(writer(tmp_path), page(5, 3))
    signed = (tmp_path / "home/signed" / archive.genesis.hex()).read_text()
    shutil.rmtree(tmp_path / "home/signed")
    seal(writer(tmp_path, "twin"), page(500, 7))
    shutil.copytree(tmp_path / "archive" / "tile", twin / "tile", dirs_exist_ok=True)
    (tmp_path / "home/signed" / archive.genesis.hex()).write_text(signed)
    with pytest.raises(NotOurs, match="two copies diverged"):
        seal(writer(tmp_path, "twin"), page(600, 1))


def test_two_copies_do_not_commit_at_the_same_time(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    copy_of(tmp_path, "twin")
    with (
        writer_on(archive, home).transaction(),
        pytest.raises(Busy, match=r"process [0-9]+ is writing to a copy of the archive"),
        writer(tmp_path, "twin").transaction(wait_s=0),
    ):
        pass


def test_two_homes_do_not_commit_to_one_archive_at_the_same_time(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    other = Home(tmp_path / "other")
    other.keep(home.signer(archive.verifier))
    with (
        writer_on(archive, home).transaction(),
        pytest.raises(Busy, match=r"process [0-9]+ is writing to the archive"),
        writer_on(opened(tmp_path)[0], other).transaction(wait_s=0),
    ):
        pass


def test_a_signed_state_whose_checkpoint_was_not_written_is_published_by_the_next_writer(forked: Path) -> None:
    shutil.copytree(forked / "newer/segment", forked / "archive/segment", dirs_exist_ok=True)
    shutil.copytree(forked / "newer/tile", forked / "archive/tile", dirs_exist_ok=True)
    assert opened(forked)[0].size == 6
    assert seal(writer(forked), page(8, 1)) == 10
    assert [parse_leaf(leaf).payload for leaf in leaves_of(opened(forked)[0])[1:]] == [
        item(number) for number in range(9)
    ]


@pytest.mark.parametrize("lacking", ["segment", "tile", "leaf"])
def test_a_signed_state_that_is_not_whole_is_not_published(forked: Path, lacking: str) -> None:
    if lacking != "tile":
        shutil.copytree(forked / "newer/tile", forked / "archive/tile", dirs_exist_ok=True)
    if lacking != "segment":
        shutil.copytree(forked / "newer/segment", forked / "archive/segment", dirs_exist_ok=True)
    if lacking == "leaf":
        path = next((forked / "archive/segment").glob("6-9.*"))
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    files = opened(forked)[0].storage.files("segment")
    with pytest.raises(NotOurs):
        seal(writer(forked), page(8, 1))
    assert opened(forked)[0].storage.files("segment") == files


@pytest.mark.parametrize("lost", [False, True])
def test_a_change_of_key_that_was_signed_and_not_published_holds_for_the_commit_that_publishes_it(
    tmp_path: Path, lost: bool
) -> None:
    archive, home = found(tmp_path)
    before = (tmp_path / "archive/checkpoint").read_bytes()
    if lost:
        home.key_file(archive.verifier).unlink()
        done = recover(writer(tmp_path), "the key burnt", lost_key=True)
    else:
        done = change_key(writer(tmp_path))
    (tmp_path / "archive/checkpoint").write_bytes(before)
    assert seal(writer(tmp_path), page(0, 1)) == 3
    assert opened(tmp_path)[0].vkeys[-1] == done.vkey


def test_going_on_without_a_key_looks_first_whether_that_was_done_already(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    before = (tmp_path / "archive/checkpoint").read_bytes()
    home.key_file(archive.verifier).unlink()
    done = recover(writer(tmp_path), "the key burnt", lost_key=True)
    (tmp_path / "archive/checkpoint").write_bytes(before)
    with pytest.raises(ArchiveError, match="not lost"):
        recover(writer(tmp_path), "the key burnt", lost_key=True)
    again = opened(tmp_path)[0]
    assert (again.size, again.vkeys[-1]) == (2, done.vkey)


def test_recovery_is_refused_where_there_is_nothing_to_recover_from(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writing = writer_on(archive, home)
    with pytest.raises(ArchiveError, match="nothing to recover from"):
        recover(writing, "just in case")
    with pytest.raises(ArchiveError, match="not lost"):
        recover(writing, "just in case", lost_key=True)
    with pytest.raises(BadInput, match="reason"):
        recover(writing, " ")
    assert archive.size == 1


def test_a_change_of_key_is_signed_by_both_keys_and_the_new_one_signs_from_then_on(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    old = archive.verifier
    writing = writer_on(archive, home)
    seal(writing, page(0, 2), receipt=b"{}")
    done = change_key(writing)
    assert (done.leaf, archive.size) == (4, 5)
    assert archive.verifier.vkey == done.vkey != old.vkey
    assert archive.vkeys == (old.vkey, done.vkey)
    leaf = parse_leaf(archive.leaf(4))
    change = parse_change(leaf)
    assert (leaf.previous, change.old, change.new, change.lost) == (3, old.vkey, done.vkey, None)
    text = f"muniment key\n{ORIGIN}\n4\n{old.vkey}\n{done.vkey}\n"
    assert change_text(ORIGIN, 4, old.vkey, done.vkey) == text
    assert [proof.vkey for proof in change.proof] == [old.vkey, done.vkey]
    assert all(Verifier.parse(proof.vkey).verify(text, b64decode(proof.sig)) for proof in change.proof)
    home.key_file(old).unlink()
    seal(writer(tmp_path), page(2, 2), receipt=b"{}")
    third = change_key(writer(tmp_path))
    again = opened(tmp_path)[0]
    assert again.vkeys == (old.vkey, done.vkey, third.vkey)
    assert (tmp_path / "archive/archive.toml").read_bytes() == again.facts.toml()
    assert old.vkey in (tmp_path / "archive/archive.toml").read_text()
    assert seal(writer(tmp_path), page(4, 1)) == again.size + 1


@pytest.mark.parametrize("how", ["gone", "broken"])
def test_an_archive_goes_on_under_a_new_key_when_the_old_one_is_lost(tmp_path: Path, how: str) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 2))
    old = archive.verifier
    if how == "gone":
        home.key_file(old).unlink()
    else:
        home.key_file(old).write_text("PRIVATE+KEY+")
    with pytest.raises(KeyMissing):
        recover(writer(tmp_path), "restored")
    done = recover(writer(tmp_path), "the key burnt", lost_key=True)
    again = opened(tmp_path)[0]
    change = parse_change(parse_leaf(again.leaf(done.leaf)))
    assert (change.lost, [proof.vkey for proof in change.proof]) == ("the key burnt", [done.vkey])
    assert again.vkeys == (old.vkey, done.vkey)
    assert done.key_file.exists()
    assert seal(writer(tmp_path), page(2, 1)) == again.size + 1


def test_a_new_home_has_no_state_and_takes_the_archive_as_it_is(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    seal(writer_on(archive, home), page(0, 2))
    other = Home(tmp_path / "other")
    with pytest.raises(KeyMissing):
        seal(writer_on(opened(tmp_path)[0], other), page(2, 1))
    other.keep(home.signer(archive.verifier))
    assert seal(writer_on(opened(tmp_path)[0], other), page(2, 1)) == 4
    # the first home finds its own last state in the tree's past
    assert seal(writer(tmp_path), page(3, 1)) == 5


def test_an_older_copy_is_recovered_under_a_new_key_in_one_commit(forked: Path) -> None:
    archive, home = opened(forked)
    home.key_file(archive.verifier).unlink()
    done = recover(writer(forked), "all burnt but the backup", lost_key=True)
    again = opened(forked)[0]
    assert [parse_leaf(leaf).kind for leaf in leaves_of(again)[-2:]] == ["recovery", "key"]
    assert (done.leaf, again.size, again.vkeys[-1]) == (6, 8, done.vkey)
    assert seal(writer(forked), page(50, 1)) == 9


def test_a_checkpoint_by_a_key_that_was_changed_is_not_the_archives(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    old = home.signer(archive.verifier)
    writing = writer_on(archive, home)
    change_key(writing)
    text = archive.note.partition("\n\n")[0] + "\n"
    (tmp_path / "archive/checkpoint").write_text(f"{text}\n{old.sign(text)}")
    with pytest.raises(NotEvidence, match="checkpoint: no trusted key signed"):
        opened(tmp_path)


def test_a_change_of_key_that_is_not_proven_is_refused() -> None:
    old, new, foreign = (Signer(ORIGIN, bytes([number]) * 32) for number in range(3))
    good = make_change(ORIGIN, 7, old.verifier, [old, new], lost=None)
    verify_change(parse_change(parse_leaf(encode_leaf("key", "muniment", AT, good, previous=None))), ORIGIN, 7)
    change = msgspec.json.decode(good, type=KeyChange)
    for wrong, origin, index in (
        (change, ORIGIN, 8),
        (change, "example.com/other", 7),
        (msgspec.structs.replace(change, new=foreign.vkey), ORIGIN, 7),
        (msgspec.structs.replace(change, proof=change.proof[1:]), ORIGIN, 7),
        (msgspec.structs.replace(change, proof=change.proof[:1]), ORIGIN, 7),
        (msgspec.structs.replace(change, lost="burnt", proof=()), ORIGIN, 7),
        (
            msgspec.structs.replace(
                change, lost="burnt", proof=(msgspec.structs.replace(change.proof[1], sig="AAAA"),)
            ),
            ORIGIN,
            7,
        ),
    ):
        with pytest.raises(NotEvidence, match=f"change of key in leaf {index}"):
            verify_change(wrong, origin, index)
    with pytest.raises(NotEvidence, match="of kind entry"):
        parse_change(parse_leaf(encode_leaf("entry", "s", AT, good)))
    with pytest.raises(NotEvidence, match="does not say"):
        parse_change(parse_leaf(encode_leaf("key", "s", AT, b"{}", previous=None)))


def test_keys_that_do_not_follow_each_other_are_no_chain(tmp_path: Path) -> None:
    archive, home = found(tmp_path)
    writing = writer_on(archive, home)
    stranger, heir = Signer(ORIGIN, b"\7" * 32), Signer(ORIGIN, b"\x08" * 32)
    home.keep(heir)
    with writing.transaction() as transaction:
        transaction.add_record("key", make_change(ORIGIN, 1, stranger.verifier, [stranger, heir], lost=None), AT)
        transaction.signer = heir
    with pytest.raises(NotEvidence, match="does not follow"):
        _ = opened(tmp_path)[0].vkeys

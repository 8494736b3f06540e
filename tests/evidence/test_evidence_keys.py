"""Whose word a signature rests on: given, at home, enclosed or nobody's; changed, lost and abandoned."""

import shutil
from pathlib import Path

import msgspec
import pytest
from tests.evidence.world import (
    AT,
    ORIGIN,
    World,
    collect,
    failed,
    leaves_of,
    named,
    problems_of,
    result_of,
    seal_anew,
    vkey_of,
    why_of,
    writing,
)

from muniment.archive.home import Home
from muniment.archive.keychain import KeyChange, change_text, make_change
from muniment.archive.leaf import OWN_SOURCE, encode_leaf
from muniment.archive.recovery import change_key, recover
from muniment.evidence.archive import verify_archive
from muniment.evidence.earlier import Noted
from muniment.evidence.keys import Trusted
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.note import Signer, Verifier, sign_note

STRANGER = Signer(ORIGIN, b"\7" * 32)


def test_without_a_key_the_signature_is_skipped_and_that_is_said(plain: World) -> None:
    verdict = plain.verify(trusted=Trusted())
    assert verdict.ok
    assert (verdict.trust, result_of(verdict, "signature")) == ("none", "skipped")
    assert "nobody vouched for" in why_of(verdict, "signature")


def test_a_home_without_the_key_is_as_none(plain: World, tmp_path: Path) -> None:
    verdict = plain.verify(trusted=Trusted(home=Home(tmp_path / "nobody")))
    assert (verdict.ok, verdict.trust, result_of(verdict, "signature")) == (True, "none", "skipped")
    assert not (tmp_path / "nobody").exists()


def test_the_key_given_is_trusted(plain: World) -> None:
    verdict = plain.verify(trusted=Trusted(given=(vkey_of(plain),)))
    assert (verdict.ok, verdict.trust, result_of(verdict, "signature")) == (True, "given-key", "pass")


def test_of_several_keys_given_one_is_enough(plain: World) -> None:
    verdict = plain.verify(trusted=Trusted(given=(STRANGER.verifier, vkey_of(plain))))
    assert (verdict.ok, verdict.trust) == (True, "given-key")


def test_a_wrong_key_given_fails_and_the_right_one_is_named(plain: World) -> None:
    verdict = plain.verify(trusted=Trusted(given=(STRANGER.verifier,), home=plain.home))
    assert (verdict.ok, verdict.trust) == (False, "none")
    assert failed(verdict) == {"signature"}
    assert named(verdict) == {("checkpoint", None)}
    assert vkey_of(plain).key_id in why_of(verdict, "signature")


def test_the_enclosed_key_is_trusted_only_when_asked_to(plain: World) -> None:
    verdict = plain.verify(trusted=Trusted(enclosed=True))
    assert (verdict.ok, verdict.trust, result_of(verdict, "signature")) == (True, "enclosed-key", "pass")
    assert "only its own archive vouches for" in why_of(verdict, "signature")


def test_an_archive_made_by_somebody_else_under_the_same_name_fails_for_the_key_given(
    plain: World, sealed: World
) -> None:
    verdict = verify_archive(sealed.archive, trusted=Trusted(given=(vkey_of(plain),)))
    assert failed(verdict) == {"signature"}


def test_a_wrong_signature_fails_even_where_nobody_is_trusted(plain: World) -> None:
    text = (plain.archive / "checkpoint").read_text()
    body, line = text.rsplit("\n\n", 1)
    other = sign_note("something else\n", [plain.home.signer(vkey_of(plain))]).rsplit("\n\n", 1)[1]
    assert other != line
    with plain.harmed("checkpoint", lambda _: f"{body}\n\n{other}".encode()):
        verdict = plain.verify(trusted=Trusted())
    assert failed(verdict) == {"signature"}


def test_a_second_wrong_signature_by_the_same_key_fails(plain: World) -> None:
    other = sign_note("something else\n", [plain.home.signer(vkey_of(plain))]).rsplit("\n\n", 1)[1]
    with plain.harmed("checkpoint", lambda data: data + other.encode()):
        assert failed(plain.verify()) == {"signature"}


def test_a_checkpoint_signed_by_a_stranger_fails(plain: World) -> None:
    archive = plain.open()
    note = sign_note(Checkpoint(ORIGIN, archive.size, archive.root).encode(), [STRANGER])
    for trusted in (Trusted(), Trusted(given=(STRANGER.verifier,)), Trusted(enclosed=True), Trusted(home=plain.home)):
        with plain.harmed("checkpoint", lambda _: note.encode()):
            verdict = plain.verify(trusted=trusted)
        assert failed(verdict) == {"signature"}
        assert verdict.trust == "none"


def test_an_earlier_key_vouches_for_the_one_that_it_announced(plain: World) -> None:
    first = vkey_of(plain)
    with writing(plain) as writer:
        second = Verifier.parse(change_key(writer).vkey)
        collect(writer, 500, 2)
        third = Verifier.parse(change_key(writer).vkey)
        collect(writer, 600, 2)
    for verifier in (first, second, third):
        verdict = plain.verify(trusted=Trusted(given=(verifier,)))
        assert (verdict.ok, verdict.trust) == (True, "given-key"), why_of(verdict, "signature")
    assert "announced since leaf 34" in why_of(plain.verify(trusted=Trusted(given=(first,))), "signature")
    assert "leaf 34 changed the key" in why_of(plain.verify(), "keys")


def lose_key(world: World, reason: str = "the laptop was stolen") -> Verifier:
    """Recover under a new key; returns it."""
    world.home.key_file(vkey_of(world)).unlink()
    with writing(world) as writer:
        return Verifier.parse(recover(writer, reason, lost_key=True).vkey)


def test_a_key_from_before_a_lost_one_fails_and_says_to_ask_for_the_new_one(plain: World) -> None:
    first = vkey_of(plain)
    second = lose_key(plain)
    verdict = plain.verify(trusted=Trusted(given=(first,)))
    assert failed(verdict) == {"signature"}
    assert verdict.trust == "none"
    for words in ("leaf 34", "the laptop was stolen", "out of band", "new vkey"):
        assert words in why_of(verdict, "signature")
    assert plain.verify(trusted=Trusted(given=(second,))).ok
    assert plain.verify(trusted=Trusted(given=(first, second))).ok
    assert plain.verify(trusted=Trusted()).ok


def test_a_home_that_holds_only_the_lost_key_does_not_vouch(plain: World, tmp_path: Path) -> None:
    shutil.copytree(plain.path / "home", tmp_path / "before")
    lose_key(plain)
    verdict = plain.verify(trusted=Trusted(home=Home(tmp_path / "before")))
    assert failed(verdict) == {"signature"}
    assert plain.verify().ok


def test_a_key_that_vouched_before_a_later_loss_no_longer_does(plain: World) -> None:
    first = vkey_of(plain)
    with writing(plain) as writer:
        second = Verifier.parse(change_key(writer).vkey)
    third = lose_key(plain)
    for verifier in (first, second):
        assert failed(plain.verify(trusted=Trusted(given=(verifier,)))) == {"signature"}
    assert plain.verify(trusted=Trusted(given=(third,))).ok


def changed(plain: World, payload: bytes) -> World:
    """The plain archive with a leaf of kind `key`, all signed anew by its first key."""
    seal_anew(plain, [*leaves_of(plain), encode_leaf("key", OWN_SOURCE, AT, payload, previous=33)])
    return plain


def test_a_change_that_only_the_new_key_signed_is_none_unless_the_old_is_lost(plain: World) -> None:
    old = vkey_of(plain)
    payload = make_change(ORIGIN, 34, old, [STRANGER], lost=None)
    verdict = changed(plain, payload).verify(trusted=Trusted())
    assert {"keys", "signature"} <= failed(verdict)
    assert {problem.leaf for problem in problems_of(verdict, "keys")} == {34}


def test_a_key_that_did_not_sign_the_change_does_not_vouch_for_the_thief_who_claims_it_did(plain: World) -> None:
    old = vkey_of(plain)
    world = changed(plain, make_change(ORIGIN, 34, old, [STRANGER], lost=None))
    text = (world.archive / "checkpoint").read_text().rsplit("\n\n", 1)[0] + "\n"
    (world.archive / "checkpoint").write_text(sign_note(text, [STRANGER]))
    verdict = world.verify(trusted=Trusted(given=(old,)))
    assert failed(verdict) == {"keys", "signature"}
    assert verdict.trust == "none"
    assert "did not rightly sign the change of key in leaf 34" in why_of(verdict, "signature")


@pytest.mark.parametrize(
    ("origin", "index"), [("example.org/other", 34), (ORIGIN, 33), (ORIGIN, 35)], ids=["origin", "before", "after"]
)
def test_a_change_proven_for_another_place_is_refused(plain: World, origin: str, index: int) -> None:
    old = vkey_of(plain)
    payload = make_change(origin, index, old, [plain.home.signer(old), STRANGER], lost=None)
    assert "keys" in failed(changed(plain, payload).verify())


def test_a_change_of_a_key_that_did_not_sign_here_is_refused(plain: World) -> None:
    other = Signer(ORIGIN, b"\1" * 32)
    payload = make_change(ORIGIN, 34, other.verifier, [other, STRANGER], lost=None)
    verdict = changed(plain, payload).verify()
    assert "keys" in failed(verdict)
    assert "but the key was" in why_of(verdict, "keys")


@pytest.mark.parametrize(
    "payload",
    [b"{}", b"[]", b"nonsense", b"\xff", b'{"x":' + b"[" * 5000, b'{"old":"a","new":"b","lost":null,"proof":[]}'],
)
def test_a_change_that_makes_no_sense_is_named(plain: World, payload: bytes) -> None:
    verdict = changed(plain, payload).verify()
    assert {problem.leaf for problem in problems_of(verdict, "keys")} == {34}


def test_the_proof_is_over_the_text_that_the_format_states(plain: World) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as an auditor would

    old = vkey_of(plain)
    payload = make_change(ORIGIN, 34, old, [plain.home.signer(old), STRANGER], lost=None)
    change = msgspec.json.decode(payload, type=KeyChange)
    text = f"muniment key\n{ORIGIN}\n34\n{old.vkey}\n{STRANGER.vkey}\n"
    assert text == change_text(ORIGIN, 34, old.vkey, STRANGER.vkey)
    for verifier, proof in zip((old, STRANGER.verifier), change.proof, strict=True):
        key = Ed25519PublicKey.from_public_bytes(verifier.public_key)
        key.verify(msgspec.json.decode(f'"{proof.sig}"'.encode(), type=bytes), text.encode())


# checkpoints noted earlier


def test_a_tree_extends_every_checkpoint_that_it_ever_had(plain: World) -> None:
    notes = [plain.note()]
    with writing(plain) as writer:
        for number in range(4):
            collect(writer, 1000 * number, 70 * number + 1)
            notes.append(plain.note())
    verdict = plain.verify(noted=tuple(notes))
    assert verdict.ok, verdict.problems
    assert result_of(verdict, "earlier") == "pass"
    assert "of 34 leaves" in why_of(verdict, "earlier")


def test_a_noted_checkpoint_is_compared_where_nobody_is_trusted(plain: World) -> None:
    noted = plain.note()
    verdict = plain.verify(trusted=Trusted(), noted=(noted,))
    assert result_of(verdict, "earlier") == "pass"


def test_a_checkpoint_signed_by_an_earlier_key_counts_as_well(plain: World) -> None:
    noted = plain.note()
    with writing(plain) as writer:
        change_key(writer)
        collect(writer, 500, 2)
    assert plain.verify(noted=(noted,)).ok


def test_an_older_copy_does_not_extend_what_was_noted_since(plain: World, tmp_path: Path) -> None:
    older = plain.copy(tmp_path / "older")
    with writing(plain) as writer:
        collect(writer, 500, 2)
    verdict = older.verify(noted=(plain.note(),))
    assert failed(verdict) == {"earlier"}
    assert "leaves were taken out" in why_of(verdict, "earlier")
    assert older.verify().ok


def fork(plain: World, place: Path) -> World:
    """Another copy of the archive that went another way."""
    other = plain.copy(place)
    for world, first in ((plain, 500), (other, 700)):
        with writing(world) as writer:
            collect(writer, first, 2)
    return other


def test_a_fork_does_not_extend_the_other_branch(plain: World, tmp_path: Path) -> None:
    other = fork(plain, tmp_path / "fork")
    assert plain.verify().ok
    assert other.verify().ok
    verdict = other.verify(noted=(plain.note(),))
    assert failed(verdict) == {"earlier"}
    assert named(verdict) == {("noted", None)}
    with writing(other) as writer:
        collect(writer, 900, 40)
    assert failed(other.verify(noted=(plain.note(),))) == {"earlier"}


@pytest.mark.parametrize(
    "data",
    [b"", b"nothing\n", b"example.com/audit\n3\nAAAA\n\n", b"\xff\xfe"],
    ids=["empty", "a word", "unsigned", "bytes"],
)
def test_a_noted_file_that_is_no_checkpoint_fails(plain: World, data: bytes) -> None:
    assert failed(plain.verify(noted=(Noted("noted", data),))) == {"earlier"}


def test_a_noted_checkpoint_that_a_stranger_signed_fails(plain: World) -> None:
    archive = plain.open()
    note = sign_note(Checkpoint(ORIGIN, archive.size, archive.root).encode(), [STRANGER])
    assert failed(plain.verify(noted=(Noted("noted", note.encode()),))) == {"earlier"}


def test_a_noted_checkpoint_of_another_archive_fails(plain: World, sealed: World) -> None:
    assert failed(plain.verify(noted=(sealed.note(),))) == {"earlier"}


def recovered(plain: World, place: Path) -> tuple[World, Noted]:
    """An archive that went on from an older copy, and the checkpoint that it gave up."""
    other = plain.copy(place)
    with writing(plain) as writer:
        collect(writer, 500, 2)
    older = World(other.path, plain.home)
    with writing(older) as writer:
        recover(writer, "the disk broke, the backup was a day old")
    return older, plain.note()


def test_a_recovery_is_mentioned_ever_after(plain: World, tmp_path: Path) -> None:
    older, _ = recovered(plain, tmp_path / "older")
    with writing(older) as writer:
        collect(writer, 900, 300)
    verdict = older.verify()
    assert verdict.ok, verdict.problems
    assert "gave up a checkpoint of 37 leaves" in why_of(verdict, "recoveries")
    assert "the backup was a day old" in why_of(verdict, "recoveries")


def test_an_abandoned_checkpoint_stays_refused(plain: World, tmp_path: Path) -> None:
    older, abandoned = recovered(plain, tmp_path / "older")
    verdict = older.verify(noted=(abandoned,))
    assert failed(verdict) == {"earlier"}
    assert "it was abandoned" in why_of(verdict, "earlier")


@pytest.mark.parametrize(
    "payload", [b"{}", b'{"reason":"x","abandoned":"y"}', b"[]", b'"\xff"', b'{"x":' + b"[" * 5000]
)
def test_a_recovery_that_makes_no_sense_is_named(plain: World, payload: bytes) -> None:
    seal_anew(plain, [*leaves_of(plain), encode_leaf("recovery", OWN_SOURCE, AT, payload, previous=33)])
    verdict = plain.verify()
    assert failed(verdict) == {"recoveries"}
    assert {leaf for _, leaf in named(verdict)} == {34}

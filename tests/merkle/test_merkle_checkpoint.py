"""Checkpoints have one spelling, are signed by whom they must be, and are of the log that was asked for."""

import base64
import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import MerkleError
from muniment.merkle.checkpoint import Checkpoint, open_checkpoint
from muniment.merkle.note import Signer, Verifier, sign_note
from muniment.merkle.tree import EMPTY_ROOT

ALICE = Signer("alice.example/log", bytes(range(32)))
BOB = Signer("bob.example/log", bytes(range(32, 64)))
ROOT = bytes(range(32))
ROOT_TEXT = base64.b64encode(ROOT).decode()

# the text of the example in C2SP, tlog-checkpoint; the key that signed it there is not published
C2SP_TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"

origins = st.text(st.characters(exclude_categories=["Cs"], min_codepoint=32), min_size=1)
checkpoints = st.builds(Checkpoint, origins, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))


def test_the_example_of_c2sp_is_read_and_written() -> None:
    checkpoint = Checkpoint.parse(C2SP_TEXT)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert checkpoint.root == base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert checkpoint.encode() == C2SP_TEXT


@settings(deadline=None)
@given(checkpoints)
def test_a_checkpoint_read_back_is_the_same(checkpoint: Checkpoint) -> None:
    assert Checkpoint.parse(checkpoint.encode()) == checkpoint


@settings(deadline=None)
@given(st.text())
def test_any_text_is_written_again_as_it_was_or_refused(text: str) -> None:
    for candidate in (text, f"origin\n{text}\n{ROOT_TEXT}\n", f"origin\n7\n{text}\n"):
        with contextlib.suppress(MerkleError):
            assert Checkpoint.parse(candidate).encode() == candidate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a checkpoint is an origin, .*"),
        ("origin\n7\n", "a checkpoint is an origin, .*"),
        (f"origin\n7\n{ROOT_TEXT}", "a checkpoint is an origin, .*"),
        (f"origin\n7\n{ROOT_TEXT}\nmore", "a checkpoint is an origin, .*"),
        (f"\n7\n{ROOT_TEXT}\n", "a checkpoint is an origin, .*"),
        (f"origin\n7\n{ROOT_TEXT}\n\n", "a checkpoint is an origin, .*"),
        (f"origin\n7\n{ROOT_TEXT}\n\nmore\n", "a checkpoint is an origin, .*"),
        (f"origin\n07\n{ROOT_TEXT}\n", "the tree size of the checkpoint is not a decimal .*: '07'"),
        (f"origin\n+7\n{ROOT_TEXT}\n", "the tree size of the checkpoint is not a decimal .*: '[+]7'"),
        (f"origin\n-7\n{ROOT_TEXT}\n", "the tree size of the checkpoint is not a decimal .*: '-7'"),
        (f"origin\n 7\n{ROOT_TEXT}\n", "the tree size of the checkpoint is not a decimal .*: ' 7'"),
        (f"origin\n7_0\n{ROOT_TEXT}\n", "the tree size of the checkpoint is not a decimal .*: '7_0'"),
        (f"origin\n٧\n{ROOT_TEXT}\n", "the tree size of the checkpoint is not a decimal .*"),  # noqa: RUF001
        (f"origin\n{2**63}\n{ROOT_TEXT}\n", f"the tree size of the checkpoint is not a decimal .*: '{2**63}'"),
        (f"origin\n{'9' * 5000}\n{ROOT_TEXT}\n", "the tree size of the checkpoint is not a decimal .*"),
        (f"origin\n7\n{ROOT_TEXT} \n", "the root hash of the checkpoint is not Base 64: .*"),
        (f"origin\n7\n{ROOT_TEXT[:-1]}\n", "the root hash of the checkpoint is not Base 64: .*"),
        (f"origin\n7\n{ROOT_TEXT[:-2]}9=\n", "the root hash of the checkpoint is not the canonical Base 64 .*"),
        (f"origin\n7\n{ROOT_TEXT[:-4]}\n", "the root hash of the checkpoint has 30 bytes, not 32"),
        (f"origin\n7\n{ROOT_TEXT}\r\n", "checkpoint has the control character 0x0d at byte .*"),
        (f"origin\n0\n{ROOT_TEXT}\n", "the checkpoint has no leaves and yet not the root hash of the empty tree"),
    ],
)
def test_what_is_not_spelled_as_a_checkpoint_is_refused(text: str, message: str) -> None:
    with pytest.raises(MerkleError, match=f"^{message}$"):
        Checkpoint.parse(text)


def test_the_empty_tree_has_a_checkpoint() -> None:
    checkpoint = Checkpoint("origin", 0, EMPTY_ROOT)
    assert Checkpoint.parse(checkpoint.encode()) == checkpoint


def test_extension_lines_are_kept_and_never_written() -> None:
    checkpoint = Checkpoint.parse(f"origin\n7\n{ROOT_TEXT}\nat noon\nby hand\n")
    assert checkpoint.extensions == ("at noon", "by hand")
    with pytest.raises(MerkleError, match=r"^we put no extension lines into a checkpoint: "):
        checkpoint.encode()


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 7, ROOT),
        Checkpoint("two\nlines", 7, ROOT),
        Checkpoint(f"two\n7\n{ROOT_TEXT}", 7, ROOT),
        Checkpoint("o\x00rigin", 7, ROOT),
        Checkpoint("\ud800", 7, ROOT),
        Checkpoint("origin", -1, ROOT),
        Checkpoint("origin", 2**63, ROOT),
        Checkpoint("origin", 7, ROOT[1:]),
        Checkpoint("origin", 0, ROOT),
    ],
)
def test_what_could_not_be_read_back_is_not_written(checkpoint: Checkpoint) -> None:
    with pytest.raises(MerkleError):
        checkpoint.encode()


def test_a_signed_checkpoint_opens_for_its_log_and_key_only() -> None:
    checkpoint = Checkpoint(ALICE.name, 7, ROOT)
    note = sign_note(checkpoint.encode(), [ALICE, BOB])
    opened, signatures = open_checkpoint(note, ALICE.name, [ALICE.verifier])
    assert opened == checkpoint
    assert [signature.name for signature in signatures.unverified] == [BOB.name]
    with pytest.raises(MerkleError, match=r"^the checkpoint is of 'alice.example/log', not of 'bob.example/log'$"):
        open_checkpoint(note, BOB.name, [BOB.verifier])
    for verifiers in ([], [Verifier(ALICE.name, bytes(32))]):
        with pytest.raises(MerkleError, match=r"^no trusted key signed the note$"):
            open_checkpoint(note, ALICE.name, verifiers)


@settings(deadline=None)
@given(checkpoints, st.integers(min_value=0))
def test_one_flipped_bit_of_a_signed_checkpoint_never_verifies(checkpoint: Checkpoint, bit: int) -> None:
    changed = bytearray(sign_note(checkpoint.encode(), [ALICE]).encode())
    changed[bit // 8 % len(changed)] ^= 1 << bit % 8
    with pytest.raises(MerkleError):
        open_checkpoint(bytes(changed), checkpoint.origin, [ALICE.verifier])

"""Proof files: what they prove, they prove alone; changed in any bit, nothing."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import MerkleError
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.note import Signer, sign_note
from muniment.merkle.proof import TlogProof, encode_proof, parse_proof, verify_proof
from muniment.merkle.tiles import EMPTY_HEAD, Tile, extend, inclusion_proof
from muniment.merkle.tree import hash_leaves, leaf_hash

ALICE = Signer("alice.example/log", bytes(range(32)))
BOB = Signer("bob.example/log", bytes(range(32, 64)))
HASH_TEXT = base64.b64encode(bytes(32)).decode()


def nothing_to_read(tile: Tile) -> bytes:
    raise AssertionError(tile)


def make_proof(index: int, size: int, extra: bytes | None = None) -> str:
    """A proof of leaf `index` in ALICE's log of the leaves b"0", b"1", …"""
    head, tiles = extend(EMPTY_HEAD, hash_leaves(b"%d" % number for number in range(size)), nothing_to_read)
    note = sign_note(Checkpoint(ALICE.name, size, head.root).encode(), [ALICE])
    return encode_proof(index, inclusion_proof(index, size, tiles.__getitem__), note, extra)


def test_a_proof_file_is_spelled_as_c2sp_says() -> None:
    hashes = [leaf_hash(b"%d" % number) for number in range(2)]
    head, _ = extend(EMPTY_HEAD, b"".join(hashes), nothing_to_read)
    note = sign_note(Checkpoint(ALICE.name, 2, head.root).encode(), [ALICE])
    sibling = base64.b64encode(hashes[0]).decode()
    assert make_proof(1, 2) == f"c2sp.org/tlog-proof@v1\nindex 1\n{sibling}\n\n{note}"
    assert make_proof(1, 2, b"v1.2") == f"c2sp.org/tlog-proof@v1\nextra djEuMg==\nindex 1\n{sibling}\n\n{note}"


@settings(deadline=None)
@given(st.data())
def test_every_leaf_has_a_proof_file_that_verifies_alone(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 600))
    index = data.draw(st.integers(0, size - 1))
    text = make_proof(index, size, data.draw(st.none() | st.binary(max_size=9)))
    found, checkpoint = verify_proof(text.encode(), leaf_hash(b"%d" % index), ALICE.name, [ALICE.verifier])
    assert (found, checkpoint.size) == (index, size)
    with pytest.raises(MerkleError, match="does not lead to the root"):
        verify_proof(text, leaf_hash(b"another"), ALICE.name, [ALICE.verifier])


def test_a_proof_is_of_the_log_and_key_asked_for() -> None:
    text = make_proof(3, 7)
    leaf = leaf_hash(b"3")
    with pytest.raises(MerkleError, match=r"^no trusted key signed the note$"):
        verify_proof(text, leaf, ALICE.name, [BOB.verifier])
    with pytest.raises(MerkleError, match=r"^the checkpoint is of 'alice.example/log', not of 'bob.example/log'$"):
        verify_proof(text, leaf, BOB.name, [ALICE.verifier])


@pytest.mark.parametrize(("index", "size"), [(0, 1), (4, 11)])
def test_every_flipped_bit_of_a_proof_file_is_refused(index: int, size: int) -> None:
    text = make_proof(index, size).encode()
    for bit in range(len(text) * 8):
        changed = bytearray(text)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(MerkleError):
            verify_proof(bytes(changed), leaf_hash(b"%d" % index), ALICE.name, [ALICE.verifier])


@settings(deadline=None)
@given(
    st.integers(0, 2**63 - 2),
    st.lists(st.binary(min_size=32, max_size=32), max_size=63),
    st.none() | st.binary(min_size=1, max_size=60),
)
def test_a_proof_file_read_back_is_the_same(index: int, hashes: list[bytes], extra: bytes | None) -> None:
    note = sign_note(Checkpoint(ALICE.name, index + 1, bytes(32)).encode(), [ALICE])
    text = encode_proof(index, hashes, note, extra)
    assert parse_proof(text) == parse_proof(text.encode()) == TlogProof(index, tuple(hashes), note, extra)


def test_empty_extra_data_is_none() -> None:
    assert make_proof(1, 2, b"") == make_proof(1, 2)


NOTE = sign_note(Checkpoint(ALICE.name, 7, bytes(32)).encode(), [ALICE])


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("", "a proof begins with .*"),
        ("c2sp.org/tlog-proof@v2\nindex 1", "a proof begins with .*"),
        ("c2sp.org/tlog-proof@v1", "a proof has a line with its index .*"),
        ("c2sp.org/tlog-proof@v1\nextra QQ==", "a proof has a line with its index .*"),
        ("c2sp.org/tlog-proof@v1\nindex 1\nextra QQ==", "a hash of the proof is not Base 64: .*"),
        ("c2sp.org/tlog-proof@v1\nextra \nindex 1", "a proof without extra data has no line for it"),
        ("c2sp.org/tlog-proof@v1\nextra QR==\nindex 1", "the extra data of the proof is not the canonical .*"),
        ("c2sp.org/tlog-proof@v1\nextra QQ==\nextra QQ==\nindex 1", "a proof has a line with its index .*"),
        ("c2sp.org/tlog-proof@v1\nindex 01", "the index of the proof is not a decimal .*: '01'"),
        ("c2sp.org/tlog-proof@v1\nindex -1", "the index of the proof is not a decimal .*: '-1'"),
        ("c2sp.org/tlog-proof@v1\nindex 1 ", "the index of the proof is not a decimal .*: '1 '"),
        ("c2sp.org/tlog-proof@v1\nindex 7", "the proof is of leaf 7 and its checkpoint of 7 leaves"),
        ("c2sp.org/tlog-proof@v1\nindex 1\nAAAA", "a hash of the proof has 3 bytes, not 32"),
        ("c2sp.org/tlog-proof@v1\r\nindex 1", "proof has the control character 0x0d at byte 22"),
        (f"c2sp.org/tlog-proof@v1\nindex 1{f'{chr(10)}{HASH_TEXT}' * 64}", "a proof has at most 63 hashes"),
    ],
)
def test_what_is_not_spelled_as_a_proof_is_refused(head: str, message: str) -> None:
    with pytest.raises(MerkleError, match=f"^{message}$"):
        parse_proof(f"{head}\n\n{NOTE}")


def test_a_proof_without_an_empty_line_has_no_checkpoint() -> None:
    with pytest.raises(MerkleError, match=r"^a proof begins with .* and has a checkpoint after an empty line$"):
        parse_proof("c2sp.org/tlog-proof@v1\nindex 1\n")


@pytest.mark.parametrize("note", ["", "\n", NOTE[:-1], f"\n{NOTE}", "text\n\n— a AAAAAAA=\n", f"{NOTE}\n"])
def test_a_proof_without_a_signed_checkpoint_is_neither_read_nor_written(note: str) -> None:
    with pytest.raises(MerkleError):
        parse_proof(f"c2sp.org/tlog-proof@v1\nindex 1\n\n{note}")
    with pytest.raises(MerkleError):
        encode_proof(1, [], note)


@pytest.mark.parametrize(("index", "hashes"), [(-1, []), (2**63, []), (7, []), (1, [bytes(31)]), (1, [bytes(32)] * 64)])
def test_what_could_not_be_read_back_is_not_written(index: int, hashes: list[bytes]) -> None:
    with pytest.raises(MerkleError):
        encode_proof(index, hashes, NOTE)


@settings(deadline=None)
@given(st.one_of(st.binary(), st.text().map(lambda text: f"c2sp.org/tlog-proof@v1\nindex 0\n\n{text}".encode())))
def test_anything_that_is_no_proof_is_refused_as_such(text: bytes) -> None:
    with pytest.raises(MerkleError):
        parse_proof(text)

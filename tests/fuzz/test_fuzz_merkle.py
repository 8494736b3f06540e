"""Keys, notes, checkpoints, tiles and proofs, changed in any way: refused, or what was signed after all."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fuzz.mutation import examples, mutated

from muniment.errors import MerkleError
from muniment.merkle.checkpoint import Checkpoint, open_checkpoint
from muniment.merkle.note import Signer, Verifier, open_note, parse_note, sign_note
from muniment.merkle.proof import encode_proof, parse_proof, verify_proof
from muniment.merkle.tiles import EMPTY_HEAD, Tile, extend, inclusion_proof, load_head, read_proven
from muniment.merkle.tree import leaf_hash

pytestmark = pytest.mark.soak
ORIGIN = "example.com/audit"
SIGNER, OTHER = Signer(ORIGIN, bytes(range(32))), Signer(ORIGIN, bytes(range(32, 64)))
HASHES = [leaf_hash(b"leaf %d" % n) for n in range(300)]


def no_tile(tile: Tile) -> bytes:
    raise AssertionError(tile)


HEAD, TILES = extend(EMPTY_HEAD, b"".join(HASHES), no_tile)
CHECKPOINT = Checkpoint(ORIGIN, HEAD.size, HEAD.root)
NOTE = sign_note(CHECKPOINT.encode(), [SIGNER])
BOTH = sign_note(CHECKPOINT.encode(), [SIGNER, OTHER])
PROOF = encode_proof(7, inclusion_proof(7, HEAD.size, TILES.__getitem__), NOTE)


@examples(200, 40_000)
@given(mutated(NOTE.encode(), BOTH.encode()))
def test_a_changed_checkpoint_is_refused_or_says_what_was_signed(note: bytes) -> None:
    """Lines by keys that are not known to us may come and go: the text may not."""
    try:
        parsed = parse_note(note)
        Checkpoint.parse(parsed.text)
    except MerkleError:
        pass
    try:
        checkpoint, opened = open_checkpoint(note, ORIGIN, [SIGNER.verifier])
    except MerkleError:
        return
    assert checkpoint == CHECKPOINT
    assert opened.text == CHECKPOINT.encode()
    assert [signature.key_id for signature in opened.verified] == [SIGNER.verifier.key_id]


@examples(100, 20_000)
@given(mutated(CHECKPOINT.encode().encode()))
def test_a_checkpoint_has_one_spelling(data: bytes) -> None:
    try:
        text = data.decode()
        read = Checkpoint.parse(text)
    except (UnicodeDecodeError, MerkleError):
        return
    assert read.extensions or read.encode() == text


@examples(100, 20_000)
@given(mutated(SIGNER.encode().encode(), SIGNER.vkey.encode()))
def test_a_changed_key_is_refused_or_another_whole_key(data: bytes) -> None:
    text = data.decode("latin-1")
    with contextlib.suppress(MerkleError):
        assert Signer.parse(text).encode() == text
    with contextlib.suppress(MerkleError):
        assert Verifier.parse(text).vkey == text


@examples(150, 20_000)
@given(mutated(PROOF.encode()))
def test_a_changed_proof_proves_nothing_but_what_it_proved(data: bytes) -> None:
    try:
        parse_proof(data)
        proven = verify_proof(data, HASHES[7], ORIGIN, [SIGNER.verifier])
    except MerkleError:
        return
    assert proven == (7, CHECKPOINT)


@examples(100, 20_000)
@given(st.data(), st.sampled_from(sorted(TILES, key=lambda tile: tile.path)))
def test_a_changed_tile_never_gives_the_signed_root(data: st.DataObject, changed: Tile) -> None:
    content = data.draw(mutated(TILES[changed]))
    tiles = TILES | {changed: content}
    try:
        proven = read_proven(changed, HEAD.size, HEAD.root, tiles.__getitem__)
    except MerkleError:
        assert content != TILES[changed]
    else:
        assert proven == TILES[changed]
    if content == TILES[changed] or changed.width == 256:  # a full tile below the edge is not read for the head
        return
    try:
        head = load_head(HEAD.size, tiles.__getitem__)
    except MerkleError:
        return
    assert head.root != HEAD.root


@examples(100, 20_000)
@given(mutated(b"tile/0/x001/234.p/17", b"tile/1/000") | st.binary())
def test_a_path_of_a_tile_has_one_spelling(data: bytes) -> None:
    path = data.decode("latin-1")
    try:
        tile = Tile.parse(path)
    except MerkleError:
        return
    assert tile.path == path


def test_what_is_not_changed_is_accepted() -> None:
    """Else a parser that refuses everything would pass."""
    assert open_checkpoint(NOTE, ORIGIN, [SIGNER.verifier])[0] == CHECKPOINT
    assert verify_proof(PROOF, HASHES[7], ORIGIN, [SIGNER.verifier]) == (7, CHECKPOINT)
    assert load_head(HEAD.size, TILES.__getitem__).root == HEAD.root
    with pytest.raises(MerkleError):
        open_note(NOTE, [OTHER.verifier])

"""C2SP tlog-proof: one file that proves, without a network, that a leaf is in a signed tree.

Source: C2SP, tlog-proof (c2sp.org/tlog-proof@v1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from muniment.errors import MerkleError
from muniment.merkle.canonical import MAX_SIZE, decode_base64, decode_hash, decode_number, decode_text, encode_base64
from muniment.merkle.checkpoint import Checkpoint, open_checkpoint
from muniment.merkle.note import MAX_NOTE_BYTES, Verifier, parse_note
from muniment.merkle.tree import verify_inclusion

__all__ = ["MAX_PROOF_BYTES", "TlogProof", "encode_proof", "parse_proof", "verify_proof"]

MAX_PROOF_BYTES: Final = 2 * MAX_NOTE_BYTES

_MAGIC: Final = "c2sp.org/tlog-proof@v1"
_MAX_HASHES: Final = MAX_SIZE.bit_length()


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What a proof file says, nothing of it verified."""

    index: int
    hashes: tuple[bytes, ...]
    """Sibling hashes, from the leaf up."""
    checkpoint_note: str
    extra: bytes | None = None
    """Nothing authenticates it."""


def encode_proof(index: int, proof: Sequence[bytes], checkpoint_note: str, extra: bytes | None = None) -> str:
    """Write a proof file (``.tlog-proof``).

    Args:
        index: Of the leaf, counted from 0.
        proof: From `inclusion_proof`, for the size that the checkpoint names.
        checkpoint_note: The signed checkpoint, as it stands in the log.
        extra: Anything of the application's, which nothing authenticates; empty is as if absent.

    Raises:
        MerkleError: It is nothing that `parse_proof` would read.
    """
    if not 0 <= index <= MAX_SIZE:
        raise MerkleError(f"no leaf has the index {index}")
    lines = [_MAGIC]
    if extra:
        lines.append(f"extra {encode_base64(extra)}")
    lines.append(f"index {index}")
    lines.extend(encode_base64(value) for value in proof)
    text = "\n".join([*lines, "", checkpoint_note])
    parse_proof(text)
    return text


def parse_proof(text: bytes | str) -> TlogProof:
    """Read a proof file, its checkpoint only as far as that it is one.

    Raises:
        MerkleError: It is not spelled in the one way allowed, or the leaf is not below the checkpoint's tree size.
    """
    whole = decode_text(text, "proof", MAX_PROOF_BYTES)
    head, blank, checkpoint_note = whole.partition("\n\n")
    magic, *lines = head.split("\n")
    if magic != _MAGIC or not blank:
        raise MerkleError(f"a proof begins with the line {_MAGIC} and has a checkpoint after an empty line")
    extra = _parse_extra(lines.pop(0)) if lines and lines[0].startswith("extra ") else None
    if not lines or not lines[0].startswith("index "):
        raise MerkleError("a proof has a line with its index before the hashes")
    index = decode_number(lines[0].removeprefix("index "), "the index of the proof")
    hashes = tuple(decode_hash(line, "a hash of the proof") for line in lines[1 : _MAX_HASHES + 2])
    if len(hashes) > _MAX_HASHES:
        raise MerkleError(f"a proof has at most {_MAX_HASHES} hashes")
    size = Checkpoint.parse(parse_note(checkpoint_note).text).size
    if index >= size:
        raise MerkleError(f"the proof is of leaf {index} and its checkpoint of {size} leaves")
    return TlogProof(index, hashes, checkpoint_note, extra)


def verify_proof(text: bytes | str, leaf: bytes, origin: str, verifiers: Sequence[Verifier]) -> tuple[int, Checkpoint]:
    """Check that a leaf is in a log, by a proof file alone.

    Args:
        text: The proof file.
        leaf: The leaf's hash.
        origin: Of the log.
        verifiers: The log's trusted keys.

    Returns:
        The leaf's index, and the checkpoint that covers it.

    Raises:
        MerkleError: The proof is malformed, its checkpoint not signed by a trusted key, or the leaf not what it proves.
    """
    proof = parse_proof(text)
    checkpoint, _ = open_checkpoint(proof.checkpoint_note, origin, verifiers)
    verify_inclusion(leaf, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    return proof.index, checkpoint


def _parse_extra(line: str) -> bytes:
    extra = decode_base64(line.removeprefix("extra "), "the extra data of the proof")
    if not extra:
        raise MerkleError("a proof without extra data has no line for it")
    return extra

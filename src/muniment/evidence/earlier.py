"""Checkpoints noted earlier: this tree extends each, unless something was changed, moved or taken out since."""

from collections.abc import Sequence
from dataclasses import dataclass

from muniment.errors import MerkleError
from muniment.evidence.keys import KeyLink
from muniment.evidence.record import Abandoned
from muniment.evidence.tiles import StoredTiles
from muniment.merkle.checkpoint import Checkpoint, open_checkpoint
from muniment.merkle.tiles import consistency_proof
from muniment.merkle.tree import verify_consistency

__all__ = ["Noted", "check_earlier"]


@dataclass(frozen=True, slots=True)
class Noted:
    """A checkpoint noted earlier."""

    name: str
    """Of the file it was in."""
    data: bytes


def check_earlier(
    noted: Noted,
    present: Checkpoint,
    chain: Sequence[KeyLink],
    abandoned: Sequence[Abandoned],
    tiles: StoredTiles,
) -> str:
    """Check that a tree extends a checkpoint noted earlier; words for what it is.

    Args:
        noted: The earlier one.
        present: The tree's, whose root the leaves give.
        chain: All keys that the archive was ever signed with.
        abandoned: What the archive itself says was given up.
        tiles: The tree's.

    Raises:
        MerkleError: It does not, or that was no checkpoint of this archive.
    """
    earlier, note = open_checkpoint(noted.data, present.origin, [link.verifier for link in chain])
    for given_up in abandoned:
        if (given_up.size, given_up.root) == (earlier.size, earlier.root):
            raise MerkleError(f"it was abandoned: leaf {given_up.leaf} says {given_up.reason!r}")
    if earlier.size > present.size:
        raise MerkleError(f"it is of {earlier.size} leaves, and the archive has {present.size}: leaves were taken out")
    if earlier.size == present.size and earlier.root != present.root:
        raise MerkleError(f"it has another root for the same {present.size} leaves")
    if 0 < earlier.size < present.size:
        proof = consistency_proof(earlier.size, present.size, tiles.demand)
        verify_consistency(earlier.size, present.size, proof, earlier.root, present.root)
    return f"of {earlier.size} leaves, signed by {note.verified[0].name}+{note.verified[0].key_id}"

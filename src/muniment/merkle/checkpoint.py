"""C2SP checkpoints: a tree's origin, size and root hash, as the text of a signed note.

Source: C2SP, tlog-checkpoint v1.0.0.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from muniment.errors import MerkleError
from muniment.merkle.canonical import MAX_SIZE, decode_hash, decode_number, decode_text, encode_base64
from muniment.merkle.note import MAX_NOTE_BYTES, Note, Verifier, open_note
from muniment.merkle.tree import EMPTY_ROOT, HASH_SIZE

__all__ = ["Checkpoint", "open_checkpoint"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself at one moment."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()
    """Further lines, of logs that are not ours: nobody can audit them, so we write none."""

    def encode(self) -> str:
        """The text to sign.

        Raises:
            MerkleError: It has extension lines, or is nothing that `parse` would read.
        """
        if self.extensions:
            raise MerkleError("we put no extension lines into a checkpoint: what a log says belongs into its leaves")
        if not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_SIZE:
            raise MerkleError(f"no checkpoint has {self.size} leaves and a root hash of {len(self.root)} bytes")
        text = f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"
        if Checkpoint.parse(text) != self:
            raise MerkleError(f"an origin is one line: {self.origin[:40]!r}")
        return text

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read a note's text; extension lines are kept.

        Raises:
            MerkleError: A line is missing, empty or not spelled in the one way allowed, or an empty tree has leaves.
        """
        lines = decode_text(text, "checkpoint", MAX_NOTE_BYTES).split("\n")
        if len(lines) < 4 or lines.pop() or "" in lines:
            raise MerkleError("a checkpoint is an origin, a tree size and a root hash, a line each, none empty")
        origin, size, root, *extensions = lines
        checkpoint = cls(
            origin,
            decode_number(size, "the tree size of the checkpoint"),
            decode_hash(root, "the root hash of the checkpoint"),
            tuple(extensions),
        )
        if checkpoint.size == 0 and checkpoint.root != EMPTY_ROOT:
            raise MerkleError("the checkpoint has no leaves and yet not the root hash of the empty tree")
        return checkpoint


def open_checkpoint(note: bytes | str, origin: str, verifiers: Sequence[Verifier]) -> tuple[Checkpoint, Note]:
    """Verify a log's checkpoint, as Go's `note.Open` does, and read it.

    Args:
        note: As it was read.
        origin: Of the log that it must be from: a key may sign for several.
        verifiers: The log's trusted keys; an empty list refuses every checkpoint.

    Raises:
        MerkleError: No trusted key signed it, one signed it wrongly, it is no checkpoint or another log's.
    """
    opened = open_note(note, verifiers)
    checkpoint = Checkpoint.parse(opened.text)
    if checkpoint.origin != origin:
        raise MerkleError(f"the checkpoint is of {checkpoint.origin[:100]!r}, not of {origin!r}")
    return checkpoint, opened

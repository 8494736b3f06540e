"""What lies in an archive's storage at this moment, file by file; nothing is verified here."""

from typing import Final

from muniment.archive.segments import SegmentName
from muniment.archive.storage import Missing, Storage
from muniment.errors import MerkleError, NotEvidence
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.note import parse_note
from muniment.merkle.tiles import TILE_WIDTH, Tile
from muniment.merkle.tree import HASH_SIZE

__all__ = ["CHECKPOINT", "FACTS", "list_segments", "present_note", "read_note", "read_tile"]

CHECKPOINT: Final = "checkpoint"
FACTS: Final = "archive.toml"


def read_tile(storage: Storage, tile: Tile) -> bytes:
    """A tile's hashes; a partial one that was superseded is the beginning of a wider one.

    Raises:
        NotEvidence: It is missing or too short; its path is named.
    """
    try:
        hashes = storage.read(tile.path)
    except Missing:
        hashes = _read_wider(storage, tile)
    if len(hashes) != tile.width * HASH_SIZE:
        raise NotEvidence(f"{tile.path}: {len(hashes)} bytes, not {tile.width * HASH_SIZE}")
    return hashes


def _read_wider(storage: Storage, tile: Tile) -> bytes:
    full = Tile(tile.level, tile.index)
    widths = [int(path.rpartition("/")[2]) for path in storage.files(f"{full.path}.p")]
    wider = [Tile(tile.level, tile.index, width) for width in sorted(widths) if width > tile.width]
    for candidate in [*wider, full] if tile.width < TILE_WIDTH else []:
        try:
            return storage.read(candidate.path)[: tile.width * HASH_SIZE]
        except Missing:
            continue
    raise NotEvidence(f"{tile.path}: missing")


def list_segments(storage: Storage) -> list[SegmentName]:
    """The segments that there are, superseded ones and leftovers among them; other files are passed over."""
    return [name for path in storage.files("segment") if (name := SegmentName.parse(path))]


def read_note(note: str) -> Checkpoint:
    """What a note says of a tree; nothing is verified.

    Raises:
        NotEvidence: It is no checkpoint.
    """
    try:
        return Checkpoint.parse(parse_note(note).text)
    except MerkleError as error:
        raise NotEvidence(f"checkpoint: {error}") from error


def present_note(storage: Storage) -> str:
    """The checkpoint as it is now.

    Raises:
        NotEvidence: It is missing, or no text.
    """
    try:
        return storage.read(CHECKPOINT).decode()
    except Missing as error:
        raise NotEvidence("checkpoint: missing") from error
    except UnicodeDecodeError as error:
        raise NotEvidence(f"checkpoint: {error}") from error

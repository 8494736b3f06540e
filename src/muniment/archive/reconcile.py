"""Is this archive what was last signed? The one question that keeps a log from being forked or put back unseen."""

from muniment.archive.commit import publish
from muniment.archive.contents import list_segments, read_note
from muniment.archive.damage import demand_content, demand_leaves
from muniment.archive.home import Home
from muniment.archive.reading import Archive
from muniment.archive.segments import cover
from muniment.archive.storage import Missing
from muniment.errors import NotEvidence, NotOurs
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.tiles import Tile, consistency_proof, load_head
from muniment.merkle.tree import verify_consistency

__all__ = ["reconcile", "remove_leftovers", "unpublished"]


def reconcile(archive: Archive, home: Home) -> None:
    """Bring an archive up to what was last signed for it, if it is that archive's own past or future.

    Called under the commit lock. Nothing is removed.

    Raises:
        NotOurs: Something was signed that this archive does not hold and cannot be brought to.
    """
    note = unpublished(archive, home)
    if note is not None:
        home.remember(archive.genesis, note)  # it may only have been about to become durable
        publish(archive.storage, note)
        archive.refresh()


def unpublished(archive: Archive, home: Home) -> str | None:
    """The note last signed for an archive, where it is ahead of it and all its files are there; nothing is changed.

    Raises:
        NotOurs: Something was signed that this archive does not hold and cannot be brought to.
    """
    note = home.last_signed(archive.genesis)
    if note is None:
        return None
    signed = read_note(note)
    if signed.size <= archive.size and archive.extends(signed.size, signed.root):
        return None
    if signed.size > archive.size and _is_all_there(archive, signed):
        return note
    raise _not_ours(archive, signed)


def remove_leftovers(archive: Archive) -> None:
    """Remove what a commit that was never signed has left behind; called under the commit lock, after `reconcile`."""
    leftovers = [name for name in list_segments(archive.storage) if name.end > archive.size]
    for name in leftovers:
        archive.storage.remove(name.path)
    if not leftovers:
        return
    for path in archive.storage.files("tile"):
        if _reaches_past(path, archive.size):
            archive.storage.remove(path)


def _reaches_past(path: str, size: int) -> bool:
    try:
        return Tile.parse(path).leaves.stop > size
    except NotEvidence:
        return False


def _not_ours(archive: Archive, signed: Checkpoint) -> NotOurs:
    if signed.size > archive.size:
        return NotOurs(
            f"the archive has {archive.size} leaves, but one of {signed.size} was signed for it already: "
            "an older copy was put back, or another copy was written to"
        )
    return NotOurs(
        f"the archive of {archive.size} leaves does not extend what was signed for it at {signed.size} leaves: "
        "two copies diverged"
    )


def _is_all_there(archive: Archive, signed: Checkpoint) -> bool:
    """Whether the files of a signed state are whole, so that it was only not published any more."""
    storage = archive.storage
    try:
        if load_head(signed.size, archive.read_tile).root != signed.root:
            return False
        proof = consistency_proof(archive.size, signed.size, archive.read_tile)
        verify_consistency(archive.size, signed.size, proof, archive.root, signed.root)
        covering = cover(list_segments(storage), signed.size) or ()
        for name in covering:
            if name.end > archive.size:
                demand_leaves(storage, name, demand_content(storage, name), signed.size)
    except (NotEvidence, Missing):
        return False
    return bool(covering)

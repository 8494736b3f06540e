"""What leaves say of other leaves: the chain of the record, receipts, seals of final segments, marks, recoveries."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Final, Literal, TypeVar

import msgspec
import numpy as np

from muniment.archive.parquet import Marks
from muniment.archive.recovery import Recovery
from muniment.errors import NotEvidence
from muniment.evidence.account import Link, SegmentSeen, Span, Telling
from muniment.evidence.extent import BLOCK
from muniment.evidence.verdict import Problems
from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.note import parse_note

__all__ = ["Abandoned", "EntryMap", "check_chain", "check_marks", "check_receipts", "check_seals", "read_recoveries"]

FileOf = Callable[[int], str | None]
"""The path of the file that holds a leaf."""

T = TypeVar("T")
_Index = Annotated[int, msgspec.Meta(ge=0)]


class _Window(msgspec.Struct, frozen=True):
    leaves: list[tuple[_Index, _Index]] = []
    parts: list["_Window"] = []


class _Receipt(msgspec.Struct, frozen=True):
    run: str
    phase: Literal["opened", "part", "closed"]
    windows: list[_Window] = []


class _Seal(msgspec.Struct, frozen=True):
    first: _Index
    end: _Index
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Abandoned(msgspec.Struct, frozen=True):
    """A checkpoint that was signed and then given up, and the leaf that says so."""

    leaf: int
    reason: str
    size: int
    root: bytes


_receipts: Final = msgspec.json.Decoder(_Receipt)
_seals: Final = msgspec.json.Decoder(_Seal)
_recoveries: Final = msgspec.json.Decoder(Recovery)


class EntryMap:
    """Which leaves are entries.

    Args:
        blocks: By a block's number a bit a leaf, the first leaf highest.
        unread: Leaves of which nothing is known.
    """

    def __init__(self, blocks: Mapping[int, bytes], unread: Sequence[Span]) -> None:
        self._blocks = blocks
        self._unread = unread

    def all_entries(self, first: int, end: int) -> bool:
        """Whether each of the leaves [first, end) is an entry; those that could not be read are held to be."""
        if any(start < end and first < stop for start, stop in self._unread):
            return True
        return all(self._within(number, first, end) for number in range(first // BLOCK, -(-end // BLOCK)))

    def _within(self, number: int, first: int, end: int) -> bool:
        start = number * BLOCK
        bits = np.frombuffer(self._blocks[number], np.uint8)
        return bool(np.unpackbits(bits)[max(first - start, 0) : end - start].all())


def check_chain(links: Sequence[Link], unread: Sequence[Span], file_of: FileOf, problems: Problems) -> None:
    """Each leaf of the record names the one before it, the first none: then the chain from its end reaches all of them.

    Args:
        links: All leaves of the record, ascending.
        unread: Leaves of which nothing is known: one that is named among them is held to be of the record.
        file_of: Where leaves are.
        problems: Takes what is found.
    """
    before: int | None = None
    for link in links:
        if link.previous != before and not any(first <= (link.previous or 0) < end for first, end in unread):
            said, is_so = ("none" if each is None else f"leaf {each}" for each in (link.previous, before))
            what = f"a {link.kind} that names {said} as the one before it in the record; it is {is_so}"
            problems.add("record", file_of(link.leaf) or "segment", what, link.leaf)
        before = link.leaf


def check_receipts(receipts: Iterable[Telling], entries: EntryMap, problems: Problems) -> None:
    """Each receipt can be read, and the leaves that it says it gave lie before it and are entries."""
    for receipt in receipts:
        for what in _faults_of(receipt, entries):
            problems.add("receipts", receipt.file, what, receipt.leaf)


def check_seals(seals: Iterable[Telling], segments: Iterable[SegmentSeen], problems: Problems) -> int:
    """Final segments have the hash that their leaf of kind `segment` seals; how many do, so far as all is well.

    Args:
        seals: Ascending.
        segments: The files that leaves were read from.
        problems: Takes what is found.
    """
    files = {(segment.first, segment.end): segment for segment in segments}
    at = sealed = 0
    for telling in seals:
        try:
            seal = _decoded(_seals, telling)
        except NotEvidence as error:
            problems.add("seals", telling.file, error.message, telling.leaf)
            continue
        if seal.first != at:
            problems.add("seals", telling.file, f"it seals leaves from {seal.first} on, not from {at}", telling.leaf)
        at = seal.end
        file = files.get((seal.first, seal.end))
        if file is None:
            missing = f"segment/{seal.first}-{seal.end}.{seal.sha256[:16]}.parquet"
            problems.add("seals", missing, f"missing; leaf {telling.leaf} seals it", seal.first)
        elif file.digest != seal.sha256:
            problems.add(
                "seals", file.path, f"it is not the file that leaf {telling.leaf} seals: SHA-256 {seal.sha256}"
            )
        else:
            sealed += 1
    return sealed


def check_marks(
    segments: Iterable[SegmentSeen], links: Sequence[Link], seals: Sequence[Telling], size: int, problems: Problems
) -> None:
    """What each segment says of all leaves up to its end is so: writers go by it.

    Args:
        segments: The files that leaves were read from.
        links: All leaves of the record, ascending.
        seals: All leaves of kind `segment`, ascending.
        size: Number of leaves; a file that reaches past it is not held to this.
        problems: Takes what is found.
    """
    record = [link.leaf for link in links]
    keys = [link.leaf for link in links if link.kind == "key"]
    sealing = [seal.leaf for seal in seals]
    for segment in segments:
        if segment.end > size:
            continue
        made = Marks(_last(record, segment.end), _last(keys, segment.end), bisect_left(sealing, segment.end))
        if segment.marks != made:
            problems.add(
                "segments",
                segment.path,
                f"its metadata says {_marks_in_words(segment.marks)}; it is {_marks_in_words(made)}",
            )


def read_recoveries(recoveries: Iterable[Telling], problems: Problems) -> list[Abandoned]:
    """What was given up; a recovery that cannot be read is a problem."""
    found: list[Abandoned] = []
    for telling in recoveries:
        try:
            said = _decoded(_recoveries, telling)
            checkpoint = Checkpoint.parse(parse_note(said.abandoned).text)
        except NotEvidence as error:
            problems.add("recoveries", telling.file, error.message, telling.leaf)
        else:
            found.append(Abandoned(telling.leaf, said.reason, checkpoint.size, checkpoint.root))
    return found


def _decoded(decoder: msgspec.json.Decoder[T], telling: Telling) -> T:
    """What a payload says.

    Raises:
        NotEvidence: Not what its kind must.
    """
    try:
        return decoder.decode(telling.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise NotEvidence(f"it does not say what a leaf of kind {telling.kind} must: {error}") from error


def _faults_of(receipt: Telling, entries: EntryMap) -> Iterator[str]:
    try:
        said = _decoded(_receipts, receipt)
    except NotEvidence as error:
        yield error.message
        return
    for first, end in _ranges(said.windows):
        if not first <= end <= receipt.leaf:
            yield f"it says it gave leaves {first} to {end - 1}, which are not before it"
        elif not entries.all_entries(first, end):
            yield f"it says it gave leaves {first} to {end - 1}, not all of which are entries"


def _ranges(windows: Iterable[_Window]) -> Iterator[Span]:
    waiting = list(windows)
    while waiting:
        window = waiting.pop()
        yield from window.leaves
        waiting += window.parts


def _last(leaves: Sequence[int], end: int) -> int | None:
    place = bisect_left(leaves, end)
    return leaves[place - 1] if place else None


def _marks_in_words(marks: Marks) -> str:
    return f"last_record {marks.last_record}, last_key {marks.last_key}, segments {marks.segments}"

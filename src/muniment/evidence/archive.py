"""Verification of an archive, from its files alone: nothing is trusted that was not computed again.

The steps are numbered as a person reads them. None stops the ones after it: each names what it finds, file and leaf.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from muniment.archive.columns import COLUMNS_VERSION
from muniment.archive.contents import FACTS
from muniment.archive.leaf import KINDS
from muniment.errors import MerkleError
from muniment.evidence.earlier import Noted, check_earlier
from muniment.evidence.extent import BLOCK
from muniment.evidence.files import Sorted, sort_files
from muniment.evidence.folder import Folder
from muniment.evidence.inquiry import Inquiry, Progress
from muniment.evidence.keys import KeyLink, Trusted, check_signature, choose_ring, walk_keys
from muniment.evidence.record import (
    Abandoned,
    EntryMap,
    check_chain,
    check_marks,
    check_receipts,
    check_seals,
    read_recoveries,
)
from muniment.evidence.verdict import Check, Trust, Verdict
from muniment.merkle.canonical import encode_base64
from muniment.merkle.checkpoint import Checkpoint

__all__ = ["verify_archive"]

_NOBODY: Final = Trusted()


def verify_archive(
    path: Path,
    *,
    trusted: Trusted = _NOBODY,
    noted: Sequence[Noted] = (),
    has_tsa_ca: bool = False,
    children: int = 0,
    progress: Progress | None = None,
) -> Verdict:
    """Verify an archive; whatever lies in its folder, what is wrong is in the verdict.

    Args:
        path: Its folder, which is only read.
        trusted: Whose keys count.
        noted: Checkpoints noted earlier, each of which this tree must extend.
        has_tsa_ca: Whether roots for time-stamps are at hand.
        children: How many processes to use besides this one.
        progress: Is told how far it is.
    """
    inquiry = Inquiry(Folder(path))
    inquiry.read_checkpoint()
    inquiry.read_leaves(children, progress)
    inquiry.judge_tree()
    inquiry.read_genesis()
    files = sort_files(inquiry.folder, inquiry.size, inquiry.used, inquiry.problems)
    checks, trust = _conclude(inquiry, files, trusted, noted)
    anchors = _check_anchors(files, has_tsa_ca=has_tsa_ca)
    checkpoint = inquiry.checkpoint
    return Verdict(
        kind="archive",
        origin=checkpoint.origin if checkpoint else None,
        leaves=inquiry.leaves,
        tree_size=checkpoint.size if checkpoint else None,
        root=encode_base64(checkpoint.root) if checkpoint else None,
        trust=trust,
        checks=(*checks, anchors),
        problems=inquiry.problems.listed(),
        not_evidence=tuple(files.passed_over),
    )


def _conclude(
    inquiry: Inquiry, files: Sorted, trusted: Trusted, noted: Sequence[Noted]
) -> tuple[tuple[Check, ...], Trust]:
    """The numbered steps, and whose word the signature rests on."""
    chain, keys = _follow_keys(inquiry)
    signed = check_signature(inquiry.note, chain, choose_ring(trusted, chain))
    if signed.check.result == "fail":
        inquiry.problems.add("signature", "checkpoint", signed.check.why)
    abandoned = read_recoveries(inquiry.tellings("recovery"), inquiry.problems)
    return (
        inquiry.check("files", _files_in_words(files)),
        inquiry.check("checkpoint", _checkpoint_in_words(inquiry.checkpoint)),
        inquiry.check("facts", f"{FACTS} and leaf 0 say the same"),
        _check_segments(inquiry),
        inquiry.check("leaves", _kinds_in_words(inquiry)),
        _check_columns(inquiry),
        inquiry.check("statistics", "no file promises its readers more or less than it holds"),
        _check_tree(inquiry),
        inquiry.check("tiles", "every hash tile is the one that the leaves give"),
        _check_seals(inquiry),
        keys,
        signed.check,
        _check_record(inquiry),
        _check_receipts(inquiry),
        inquiry.check("recoveries", _recoveries_in_words(abandoned)),
        _check_earlier(inquiry, noted, chain, abandoned),
    ), signed.trust


def _follow_keys(inquiry: Inquiry) -> tuple[list[KeyLink], Check]:
    if inquiry.genesis is None:
        return [], Check("keys", "skipped", "leaf 0, which names the first key, cannot be read")
    changes = inquiry.tellings("key")
    chain = walk_keys(inquiry.genesis, inquiry.file_of(0) or "segment/0", changes, inquiry.problems)
    words = [
        f"leaf {link.leaf} {'replaced a lost key' if link.lost is not None else 'changed the key'}"
        for link in chain[1:]
    ]
    return chain, inquiry.check("keys", "; ".join(words) or "the key was never changed")


def _check_segments(inquiry: Inquiry) -> Check:
    links = [link for block in inquiry.blocks for link in block.links]
    seen = [segment for block in inquiry.blocks for segment in block.segments]
    known = min((first for first, _ in inquiry.unread()), default=inquiry.size)
    check_marks(seen, links, inquiry.tellings("segment"), known, inquiry.problems)
    files = _count(len(inquiry.used), "file")
    return inquiry.check("segments", f"{files} hold each of {inquiry.size} leaves once, under their own hashes")


def _check_columns(inquiry: Inquiry) -> Check:
    check = inquiry.check("columns", "kind, source and typed columns are what the leaves give")
    seen = [segment for block in inquiry.blocks for segment in block.segments]
    later = [segment for segment in seen if (segment.columns_version or 0) > COLUMNS_VERSION]
    if check.result == "fail" or not later:
        return check
    why = f"{_count(len(later), 'file')} made by a later version: of them only index, kind and leaf were compared"
    return Check("columns", "skipped", why)


def _check_tree(inquiry: Inquiry) -> Check:
    check = inquiry.check("tree", f"the hashes of {inquiry.size} leaves give the root in the checkpoint")
    unread = inquiry.size - inquiry.leaves
    if check.result == "fail" or not unread:
        return check
    return Check("tree", "fail", f"{_count(unread, 'leaf', 'leaves')} could not be read; their tiles stood in for them")


def _check_seals(inquiry: Inquiry) -> Check:
    seen = [segment for block in inquiry.blocks for segment in block.segments]
    sealed = check_seals(inquiry.tellings("segment"), seen, inquiry.problems)
    final = sum(segment.end - segment.first == BLOCK for segment in seen)
    if not final and not sealed:
        return inquiry.check("seals", "no segment is final yet")
    waiting = f"; {final - sealed} more will be with the next run" if final > sealed else ""
    return inquiry.check("seals", f"{_count(sealed, 'final segment')} sealed by hash in leaves{waiting}")


def _check_record(inquiry: Inquiry) -> Check:
    links = [link for block in inquiry.blocks for link in block.links]
    unread = inquiry.unread()
    check_chain(links, unread, inquiry.file_of, inquiry.problems)
    check = inquiry.check(
        "record", f"{len(links)} leaves form one chain, which ends in leaf {links[-1].leaf}" if links else "none yet"
    )
    if check.result == "pass" and unread:
        return Check("record", "skipped", "leaves are missing that the chain may lead through")
    return check


def _check_receipts(inquiry: Inquiry) -> Check:
    receipts = inquiry.tellings("receipt")
    entries = EntryMap({block.first // BLOCK: block.entries for block in inquiry.blocks}, inquiry.unread())
    check_receipts(receipts, entries, inquiry.problems)
    words = f"{_count(len(receipts), 'receipt')}; the leaves that each says it gave are entries before it"
    return inquiry.check("receipts", words if receipts else "none yet")


def _check_earlier(
    inquiry: Inquiry, noted: Sequence[Noted], chain: Sequence[KeyLink], abandoned: Sequence[Abandoned]
) -> Check:
    if not noted:
        return Check("earlier", "skipped", "no checkpoint noted earlier was given to compare with: --checkpoint")
    words: list[str] = []
    origin = inquiry.genesis.origin if inquiry.genesis else ""
    present = Checkpoint(origin, inquiry.size, inquiry.made.root if inquiry.made else b"")
    for each in noted:
        try:
            words.append(check_earlier(each, present, chain, abandoned, inquiry.tiles))
        except MerkleError as error:
            inquiry.problems.add("earlier", each.name, error.message)
    return inquiry.check("earlier", f"this tree extends the one {'; and the one '.join(words)}")


def _check_anchors(files: Sorted, *, has_tsa_ca: bool) -> Check:
    anchors = sum(path.startswith("anchor/") for path in files.passed_over)
    if anchors:
        return Check(
            "anchors", "skipped", f"{_count(anchors, 'file')} under anchor/, which this version does not check"
        )
    why = "there are none: self-asserted, for whoever has the signing key could have made all of this anew"
    return Check("anchors", "skipped", f"{why}; --tsa-ca had nothing to check" if has_tsa_ca else why)


def _files_in_words(files: Sorted) -> str:
    words = [f"{_count(files.covered, 'file')} verified"]
    words += [f"{files.superseded} superseded"] if files.superseded else []
    words += [f"{files.past} past the checkpoint, of a commit under way or given up"] if files.past else []
    return ", ".join(words)


def _checkpoint_in_words(checkpoint: Checkpoint | None) -> str:
    return f"{checkpoint.origin}, {checkpoint.size} leaves, in the one way it can be written" if checkpoint else ""


def _kinds_in_words(inquiry: Inquiry) -> str:
    kinds: Counter[str] = Counter()
    for block in inquiry.blocks:
        kinds.update(block.kinds)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    unknown = sorted(kinds.keys() - KINDS)
    more = f"; this version does not know {', '.join(unknown)}, and keeps them" if unknown else ""
    return f"each in the one way it can be written: {counts}{more}"


def _recoveries_in_words(abandoned: Sequence[Abandoned]) -> str:
    words = [
        f"leaf {each.leaf} gave up a checkpoint of {each.size} leaves, which stays refused: {each.reason}"
        for each in abandoned
    ]
    return "; ".join(words) or "no checkpoint was ever given up"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"

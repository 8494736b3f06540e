"""Changes of the signing key: leaves that say which key comes after which.

Both sign, or the new one alone when the old one is lost.
"""

from collections.abc import Sequence

import msgspec

from muniment.archive.leaf import Leaf
from muniment.errors import MerkleError, NotEvidence
from muniment.merkle.canonical import decode_base64, encode_base64
from muniment.merkle.note import Signer, Verifier, parse_note, sign_note

__all__ = ["KeyChange", "KeyProof", "change_text", "make_change", "parse_change", "verify_change"]


class KeyProof(msgspec.Struct, frozen=True):
    """One key's signature of a change."""

    vkey: str
    sig: str
    """Ed25519 over `change_text`, Base 64."""


class KeyChange(msgspec.Struct, frozen=True):
    """The payload of a leaf of kind `key`."""

    old: str
    new: str
    lost: str | None
    """Why the old key could not sign; null where it did."""
    proof: tuple[KeyProof, ...]


def change_text(origin: str, index: int, old: str, new: str) -> str:
    """What the keys sign.

    Args:
        origin: Of the archive.
        index: Of the leaf that holds the change.
        old: The vkey until then.
        new: The vkey from then on.
    """
    return f"muniment key\n{origin}\n{index}\n{old}\n{new}\n"


def make_change(origin: str, index: int, old: Verifier, signers: Sequence[Signer], *, lost: str | None) -> bytes:
    """The payload of a `key` leaf.

    Args:
        origin: Of the archive.
        index: Of the leaf.
        old: The key until then.
        signers: Those who prove it: the old key and the new one, or the new one alone; the new one is last.
        lost: Why the old one does not sign.
    """
    new = signers[-1].vkey
    text = change_text(origin, index, old.vkey, new)
    proof = tuple(KeyProof(signer.vkey, encode_base64(_raw_signature(text, signer))) for signer in signers)
    return msgspec.json.encode(KeyChange(old.vkey, new, lost, proof))


def parse_change(leaf: Leaf) -> KeyChange:
    """Read a `key` leaf; nothing is verified.

    Raises:
        NotEvidence: It is of another kind, or does not say what it must.
    """
    if leaf.kind != "key":
        raise NotEvidence(f"a leaf of kind {leaf.kind} stands where a change of key should")
    try:
        return msgspec.json.decode(leaf.payload, type=KeyChange)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotEvidence(f"a change of key does not say what it must: {error}") from error


def verify_change(change: KeyChange, origin: str, index: int) -> None:
    """Check the proof of a change.

    Raises:
        NotEvidence: A key that must sign it did not (the new one; the old one unless it is lost), or did so wrongly.
    """
    text = change_text(origin, index, change.old, change.new)
    needed = {change.new} if change.lost is not None else {change.old, change.new}
    missing = needed - {proof.vkey for proof in change.proof}
    if missing:
        raise NotEvidence(f"the change of key in leaf {index} is not signed by {min(missing)}")
    for proof in change.proof:
        if not _is_signed(text, proof):
            raise NotEvidence(f"the change of key in leaf {index}: the signature by {proof.vkey} is wrong")


def _is_signed(text: str, proof: KeyProof) -> bool:
    try:
        return Verifier.parse(proof.vkey).verify(text, decode_base64(proof.sig, "the proof's signature"))
    except MerkleError:
        return False


def _raw_signature(text: str, signer: Signer) -> bytes:
    return parse_note(sign_note(text, [signer])).unverified[0].raw

"""Going on after a refusal, and under another key: what happened is said in a leaf, and stays said."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from muniment.archive.commit import Transaction
from muniment.archive.keychain import make_change
from muniment.archive.reconcile import reconcile
from muniment.archive.timestamps import format_time
from muniment.archive.writer import Writer
from muniment.errors import ArchiveError, BadInput, KeyMissing, NotOurs
from muniment.merkle.note import Signer, Verifier

__all__ = ["Recovered", "Recovery", "change_key", "recover"]


class Recovery(msgspec.Struct, frozen=True, omit_defaults=True):
    """The payload of a leaf of kind `recovery`."""

    reason: str
    abandoned: str
    """The note that was signed and that this archive does not extend."""
    by: str | None = None


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was done."""

    leaf: int
    """Index of the leaf that says it."""
    vkey: str
    """The key that signs now."""
    key_file: Path


def recover(
    writer: Writer,
    reason: str,
    *,
    lost_key: bool = False,
    by: str | None = None,
    generate: Callable[[str], Signer] = Signer.generate,
) -> Recovered:
    """Go on with an archive that does not extend what was last signed, or whose signing key is lost.

    Args:
        writer: On the archive.
        reason: What happened, in the operator's words.
        lost_key: Whether to go on under a new key, because the old one is gone.
        by: Who says so.
        generate: Makes a key of a name.

    Raises:
        BadInput: There is no reason.
        ArchiveError: There is nothing to recover from.
        KeyMissing: The signing key is gone, and `lost_key` does not say so.
    """
    if not reason.strip():
        raise BadInput("a recovery needs a reason", hint="Say with --reason what happened.")
    home, archive = writer.home, writer.archive
    with writer.locked(10.0):
        abandoned = _abandoned(writer)
        old = archive.verifier  # which may be another one only now
        signer = _successor(writer, old, generate) if lost_key else home.signer(old)
        if abandoned is None and not lost_key:
            raise ArchiveError(
                "there is nothing to recover from: the archive extends what was last signed",
                hint="Use it as it is; `muniment key change` makes a new key.",
            )
        with writer.appending(signer) as transaction:
            leaf = transaction.size
            observed_at = format_time(writer.clock())
            if abandoned is not None:
                payload = msgspec.json.encode(Recovery(reason, abandoned, by))
                leaf = transaction.add_record("recovery", payload, observed_at)
            if lost_key:
                index = _add_change(transaction, old, [signer], reason, observed_at)
                leaf = index if abandoned is None else leaf
    return Recovered(leaf, signer.vkey, home.key_file(signer.verifier))


def change_key(writer: Writer, *, generate: Callable[[str], Signer] = Signer.generate) -> Recovered:
    """Go on under a new key, announced by a leaf that both keys sign.

    Raises:
        KeyMissing: The present key is gone: `recover` with `lost_key` is for that.
        ArchiveError: As of `Writer.transaction`.
    """
    with writer.transaction() as transaction:
        old, signer = transaction.signer, generate(transaction.signer.name)
        writer.home.keep(signer)
        leaf = _add_change(transaction, old.verifier, [old, signer], None, format_time(writer.clock()))
        transaction.signer = signer
    return Recovered(leaf, signer.vkey, writer.home.key_file(signer.verifier))


def _abandoned(writer: Writer) -> str | None:
    """The note that the archive does not extend; None where it does, after it was brought up to it."""
    try:
        reconcile(writer.archive, writer.home)
    except NotOurs:
        return writer.home.last_signed(writer.archive.genesis)
    return None


def _successor(writer: Writer, old: Verifier, generate: Callable[[str], Signer]) -> Signer:
    with contextlib.suppress(KeyMissing):
        writer.home.signer(old)
        raise ArchiveError(
            f"the signing key is not lost: it is in {writer.home.key_file(old)}",
            hint="Use it as it is; `muniment key change` makes a new key.",
        )
    signer = generate(old.name)
    writer.home.keep(signer)
    return signer


def _add_change(
    transaction: Transaction, old: Verifier, signers: list[Signer], lost: str | None, observed_at: str
) -> int:
    index = transaction.size
    payload = make_change(transaction.origin, index, old, signers, lost=lost)
    return transaction.add_record("key", payload, observed_at)

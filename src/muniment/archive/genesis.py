"""Leaf 0: what an archive is, and whose. `archive.toml` repeats it for people and never changes."""

import re
from typing import Final

import msgspec

from muniment.archive.leaf import parse_leaf
from muniment.archive.parquet import FORMAT
from muniment.errors import BadInput, NotEvidence

__all__ = ["HASH", "Genesis", "default_origin", "demand_origin", "parse_genesis"]

HASH: Final = "sha256"
_HOST: Final = re.compile(r"[^a-z0-9.-]+")


class Genesis(msgspec.Struct, frozen=True):
    """The payload of leaf 0."""

    format: int
    hash: str
    origin: str
    """The log's name, in its first checkpoint and ever after: a C2SP key name."""
    vkey: str
    """The first public key; `key` leaves change it."""

    def encode(self) -> bytes:
        """As leaf 0 holds it."""
        return msgspec.json.encode(self)

    def toml(self) -> bytes:
        """As ``archive.toml`` holds it, to the byte."""
        # a JSON string without DEL is a TOML string, and demand_origin refuses DEL
        origin, vkey = (msgspec.json.encode(text).decode() for text in (self.origin, self.vkey))
        lines = [
            "# The facts of leaf 0, for people. This file never changes; later keys stand in leaves of kind `key`.",
            f"format = {self.format}",
            f'hash = "{self.hash}"',
            f"origin = {origin}",
            f"vkey = {vkey}",
        ]
        return ("\n".join(lines) + "\n").encode()


def parse_genesis(leaf: bytes) -> Genesis:
    """Read leaf 0.

    Raises:
        NotEvidence: It is no leaf of kind `archive`, or of a format that this version does not read.
    """
    parsed = parse_leaf(leaf)
    if parsed.kind != "archive":
        raise NotEvidence(f"leaf 0 is of kind {parsed.kind}, not archive")
    try:
        genesis = msgspec.json.decode(parsed.payload, type=Genesis)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotEvidence(f"leaf 0 does not say what an archive must: {error}") from error
    if (genesis.format, genesis.hash) != (FORMAT, HASH):
        raise NotEvidence(
            f"the archive is of format {genesis.format} with {genesis.hash}; this version reads {FORMAT} with {HASH}"
        )
    return genesis


def demand_origin(origin: str) -> str:
    """The name itself, if it can be a log's.

    Raises:
        BadInput: It is empty, or has spaces, pluses or characters that do not print.
    """
    if not origin or "+" in origin or not origin.isprintable() or any(character.isspace() for character in origin):
        raise BadInput(
            f"an archive cannot have the origin {origin!r}",
            hint="An origin has no spaces, no plus and no control characters, such as example.com/audit.",
        )
    return origin


def default_origin(host: str, token: str) -> str:
    """A name that no other archive has, such as ``muniment/host.example.com/1f2e3d4c``.

    Args:
        host: Name of this machine; what is odd in it is left out.
        token: 8 hex digits by chance.
    """
    return f"muniment/{_HOST.sub('-', host.lower()).strip('-.') or 'host'}/{token}"

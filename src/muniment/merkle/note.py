"""C2SP signed notes: a text, and under it a line for each signature. Keys in the text forms of Go's `sumdb/note`.

Only Ed25519 is made and verified; signatures of other types are kept as those of unknown keys.

Source: C2SP, signed-note v1.0.0; golang.org/x/mod/sumdb/note.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from muniment.errors import MerkleError
from muniment.merkle.canonical import decode_base64, decode_text, encode_base64

__all__ = [
    "MAX_NOTE_BYTES",
    "MAX_SIGNATURES",
    "Note",
    "Signature",
    "Signer",
    "Verifier",
    "open_note",
    "parse_note",
    "sign_note",
]

MAX_NOTE_BYTES: Final = 1_000_000
MAX_SIGNATURES: Final = 100
"""More are refused, as Go does; the specification asks for at least 16."""

_ED25519: Final = b"\x01"
_PREFIX: Final = "— "  # em dash, space
_KEY_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line."""

    name: str
    key_id: str
    """8 hex digits."""
    raw: bytes
    """What the key made, without the key id."""

    @property
    def line(self) -> str:
        r"""As it stands in a note, with its ``\n``."""
        return f"{_PREFIX}{self.name} {encode_base64(bytes.fromhex(self.key_id) + self.raw)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures; from `parse_note` none is verified, from `open_note` at least one."""

    text: str
    r"""With its last ``\n``; this is what is signed."""
    verified: tuple[Signature, ...]
    unverified: tuple[Signature, ...]
    """Of keys that were not given, in their order."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """A public key and the name it goes by."""

    name: str
    public_key: bytes
    """32 bytes (RFC 8032)."""

    def __post_init__(self) -> None:
        _demand_name(self.name)
        if len(self.public_key) != _KEY_BYTES:
            raise MerkleError(f"an Ed25519 public key has {_KEY_BYTES} bytes, not {len(self.public_key)}")

    @classmethod
    def parse(cls, vkey: str) -> "Verifier":
        """Read ``<name>+<key id>+<Base 64 of 0x01 and the public key>``.

        Raises:
            MerkleError: It is written in any other way, is of another type, or its key id is not its own.
        """
        name, key_id, encoded = _split_key(vkey, "verifier key", 3)
        verifier = cls(name, _decode_key(encoded, "verifier key"))
        _demand_key_id(key_id, verifier.key_id)
        return verifier

    @property
    def key_id(self) -> str:
        """8 hex digits: the start of SHA-256 over name, newline, 0x01 and public key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public_key).hexdigest()[:8]

    @property
    def vkey(self) -> str:
        """The text to hand to whoever is to verify."""
        return f"{self.name}+{self.key_id}+{encode_base64(_ED25519 + self.public_key)}"

    def verify(self, text: str, signature: bytes) -> bool:
        """Whether this key made this signature of a note's text."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - slow to import
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key and the name it goes by."""

    name: str
    seed: bytes = field(repr=False)
    """The private key, 32 bytes (RFC 8032)."""

    def __post_init__(self) -> None:
        _demand_name(self.name)
        if len(self.seed) != _KEY_BYTES:
            raise MerkleError(f"an Ed25519 private key has {_KEY_BYTES} bytes, not {len(self.seed)}")

    @classmethod
    def generate(cls, name: str) -> "Signer":
        """A new key, from the operating system's randomness; for a given one, call ``Signer(name, seed)``.

        Raises:
            MerkleError: A note's key cannot have this name.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - slow

        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, skey: str) -> "Signer":
        """Read ``PRIVATE+KEY+<name>+<key id>+<Base 64 of 0x01 and the private key>``; no error repeats any of it.

        Raises:
            MerkleError: It is written in any other way, is of another type, or its key id is not its own.
        """
        private, key, name, key_id, encoded = _split_key(skey, "signing key", 5)
        if (private, key) != ("PRIVATE", "KEY"):
            raise MerkleError("a signing key begins with PRIVATE+KEY+")
        signer = cls(name, _decode_key(encoded, "signing key"))
        _demand_key_id(key_id, signer.verifier.key_id)
        return signer

    def encode(self) -> str:
        """The text that `parse` reads: whoever has it can sign."""
        return f"PRIVATE+KEY+{self.name}+{self.verifier.key_id}+{encode_base64(_ED25519 + self.seed)}"

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - slow

        private = Ed25519PrivateKey.from_private_bytes(self.seed)
        return Verifier(self.name, private.public_key().public_bytes_raw())

    @property
    def vkey(self) -> str:
        """The public half as text."""
        return self.verifier.vkey

    def sign(self, text: str) -> str:
        r"""The signature line, with its ``\n``, that this key puts under a note's text."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - slow

        raw = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return Signature(self.name, self.verifier.key_id, raw).line


def sign_note(text: str, signers: Sequence[Signer]) -> str:
    r"""Sign a text; the same text and keys give the same note (Ed25519 is deterministic).

    Args:
        text: Ends in ``\n`` and has no other control character.
        signers: At least one; their lines follow in this order.

    Raises:
        MerkleError: The text cannot be a note's, or nobody signs.
    """
    decode_text(text, "note text", MAX_NOTE_BYTES)
    if not text.endswith("\n"):
        raise MerkleError("a note's text ends with a newline")
    if not signers:
        raise MerkleError("a note needs a signer")
    return f"{text}\n{''.join(signer.sign(text) for signer in signers)}"


def parse_note(note: bytes | str) -> Note:
    """Read a note without verifying anything: its text is not to be trusted.

    Returns:
        All its signatures as unverified ones, duplicates and all.

    Raises:
        MerkleError: It is no note, is larger than `MAX_NOTE_BYTES` or has more than `MAX_SIGNATURES`.
    """
    whole = decode_text(note, "note", MAX_NOTE_BYTES)
    body, blank, block = whole.rpartition("\n\n")
    if not blank or not block.endswith("\n"):
        raise MerkleError("a note is a text, an empty line and lines of signatures, each ended by a newline")
    lines = block[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise MerkleError(f"the note has {len(lines)} signatures; at most {MAX_SIGNATURES} are read")
    return Note(f"{body}\n", (), tuple(_parse_signature(line) for line in lines))


def open_note(note: bytes | str, verifiers: Sequence[Verifier]) -> Note:
    """Read a note and verify it, as Go's `note.Open` does.

    A signature of a key that was not given is kept as unverified, once; of several by one given key the first counts.

    Args:
        note: As it was read.
        verifiers: The trusted keys; an empty list refuses every note.

    Raises:
        MerkleError: It is no note, a signature by a given key is wrong, no given key signed it, or two given keys
            share name and key id.
    """
    parsed = parse_note(note)
    known = _by_key(verifiers)
    first: dict[tuple[str, str], Signature] = {}
    unknown: dict[Signature, None] = {}
    for signature in parsed.unverified:
        key = (signature.name, signature.key_id)
        if key in known:
            first.setdefault(key, signature)
        else:
            unknown[signature] = None
    for key, signature in first.items():
        if not known[key].verify(parsed.text, signature.raw):
            raise MerkleError(f"the signature by {signature.name}+{signature.key_id} is wrong")
    if not first:
        raise MerkleError("no trusted key signed the note")
    return Note(parsed.text, tuple(first.values()), tuple(unknown))


def _by_key(verifiers: Sequence[Verifier]) -> dict[tuple[str, str], Verifier]:
    known: dict[tuple[str, str], Verifier] = {}
    for verifier in verifiers:
        key = (verifier.name, verifier.key_id)
        if known.setdefault(key, verifier) != verifier:
            raise MerkleError(f"two keys are {verifier.name}+{verifier.key_id}: which one to trust cannot be told")
    return known


def _parse_signature(line: str) -> Signature:
    name, _, encoded = line.removeprefix(_PREFIX).partition(" ")
    if not line.startswith(_PREFIX):
        raise MerkleError(f"not a line of a signature: {line[:40]!r}")
    _demand_name(name)
    raw = decode_base64(encoded, f"the signature by {name}")
    if len(raw) < 5:
        raise MerkleError(f"the signature by {name} is too short for a key id and a signature")
    return Signature(name, raw[:4].hex(), raw[4:])


def _demand_name(name: str) -> None:
    decode_text(name, "key name", MAX_NOTE_BYTES)
    if not name or "+" in name or any(character.isspace() for character in name):
        raise MerkleError(f"a key's name has no spaces and no plus, and is not empty: {name[:40]!r}")


def _split_key(text: str, what: str, count: int) -> list[str]:
    # Base 64 may have pluses of its own: only the first ones part
    parts = text.split("+", count - 1)
    if len(parts) != count:
        raise MerkleError(f"a {what} has {count} parts with a plus between them")
    return parts


def _decode_key(encoded: str, what: str) -> bytes:
    raw = decode_base64(encoded, f"the last part of the {what}")
    if raw[:1] != _ED25519:
        raise MerkleError(f"the {what} is not of type 1, Ed25519")
    return raw[1:]


def _demand_key_id(given: str, own: str) -> None:
    if given != own:
        raise MerkleError(f"the key id is {own} in truth, not {given[:40]!r}")

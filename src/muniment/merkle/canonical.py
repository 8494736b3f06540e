"""Texts that have exactly one spelling: everything else is refused, so that no bit can change unseen."""

import binascii
import re
from typing import Final

from muniment.errors import MerkleError

__all__ = ["MAX_SIZE", "decode_base64", "decode_hash", "decode_number", "decode_text", "encode_base64"]

MAX_SIZE: Final = 2**63 - 1
"""The largest tree size and leaf index: what Go's tlog counts with."""

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL = re.compile(rb"[\x00-\x09\x0b-\x1f]")


def encode_base64(data: bytes) -> str:
    """Standard Base 64 with padding, in one line (RFC 4648, section 4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str, what: str) -> bytes:
    """The bytes of a Base 64 text that is spelled as `encode_base64` would.

    Args:
        text: No white space, padded, unused bits zero.
        what: Named in the error, such as ``root hash``.

    Raises:
        MerkleError: It is spelled in any other way.
    """
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise MerkleError(f"{what} is not Base 64: {error}") from error
    # binascii lets the unused bits of the last character be anything
    if encode_base64(data) != text:
        raise MerkleError(f"{what} is not the canonical Base 64 of its bytes")
    return data


def decode_hash(text: str, what: str) -> bytes:
    """A hash of 32 bytes from its Base 64.

    Raises:
        MerkleError: It is spelled in any other way, or of another length.
    """
    data = decode_base64(text, what)
    if len(data) != 32:
        raise MerkleError(f"{what} has {len(data)} bytes, not 32")
    return data


def decode_number(text: str, what: str) -> int:
    """A decimal number from 0 to `MAX_SIZE` without leading zeros.

    Raises:
        MerkleError: It is written in any other way, or is larger.
    """
    if not _NUMBER.fullmatch(text) or int(text) > MAX_SIZE:
        raise MerkleError(f"{what} is not a decimal number below 2^63 without leading zeros: {text[:40]!r}")
    return int(text)


def decode_text(data: bytes | str, what: str, max_bytes: int) -> str:
    r"""The characters of a text in UTF-8 whose only control character is ``\n``.

    Args:
        data: As it was read; a `str` is held to the same rules.
        what: Named in the error, such as ``note``.
        max_bytes: Of its UTF-8.

    Raises:
        MerkleError: It is too long, not UTF-8, or has a control character below U+0020.
    """
    raw = _encode_utf8(data, what) if isinstance(data, str) else data
    if len(raw) > max_bytes:
        raise MerkleError(f"{what} has {len(raw)} bytes; at most {max_bytes} are read")
    control = _CONTROL.search(raw)
    if control:
        raise MerkleError(f"{what} has the control character 0x{control[0].hex()} at byte {control.start()}")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MerkleError(f"{what} is not UTF-8 at byte {error.start}") from error


def _encode_utf8(text: str, what: str) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise MerkleError(f"{what} has a lone surrogate at character {error.start}") from error

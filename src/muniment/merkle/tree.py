"""The Merkle tree of RFC 6962 and RFC 9162: hashes, roots, and what a proof proves.

A list of hashes is one `bytes` of 32 bytes each: a level of the tree is hashed in one pass, without an object a node.
"""

import hashlib
import struct
from collections.abc import Iterable, Sequence
from typing import Final

from muniment.errors import MerkleError
from muniment.merkle.canonical import MAX_SIZE

__all__ = [
    "EMPTY_ROOT",
    "HASH_SIZE",
    "fold",
    "hash_leaves",
    "leaf_hash",
    "node_hash",
    "parents",
    "perfect_roots",
    "subtree_root",
    "verify_consistency",
    "verify_inclusion",
]

HASH_SIZE: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

_PAIR: Final = struct.Struct("64s")


def leaf_hash(data: bytes) -> bytes:
    """SHA-256(0x00 || data). Source: RFC 9162, section 2.1.1."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right). Source: RFC 9162, section 2.1.1."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def hash_leaves(leaves: Iterable[bytes]) -> bytes:
    """The leaf hashes of many leaves, one after the other; many times faster than calling `leaf_hash` for each."""
    sha256 = hashlib.sha256
    return b"".join([sha256(b"\x00" + leaf).digest() for leaf in leaves])


def parents(hashes: bytes) -> bytes:
    """The node hashes of each pair of hashes: one level up.

    Args:
        hashes: An even number of hashes.
    """
    sha256 = hashlib.sha256
    return b"".join([sha256(b"\x01" + pair).digest() for (pair,) in _PAIR.iter_unpack(hashes)])


def perfect_roots(hashes: bytes) -> tuple[bytes, ...]:
    """The roots of the perfect subtrees that a list of hashes falls into, largest first.

    Args:
        hashes: Any number of hashes; 11 of them give subtrees of 8, 2 and 1.

    Raises:
        MerkleError: It is not a whole number of hashes.
    """
    _demand_whole(hashes)
    roots: list[bytes] = []
    while hashes:
        if len(hashes) % (2 * HASH_SIZE):
            roots.append(hashes[-HASH_SIZE:])
            hashes = hashes[:-HASH_SIZE]
        hashes = parents(hashes)
    return tuple(reversed(roots))


def fold(roots: Sequence[bytes]) -> bytes:
    """The root of the tree whose perfect subtrees have these roots, largest first; `EMPTY_ROOT` without any."""
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def subtree_root(hashes: bytes) -> bytes:
    """The root of the tree over a list of hashes; `EMPTY_ROOT` over none.

    Raises:
        MerkleError: It is not a whole number of hashes.
    """
    return fold(perfect_roots(hashes))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf is in a tree.

    Args:
        leaf: Its leaf hash.
        index: Counted from 0.
        size: Number of leaves of the tree.
        proof: Sibling hashes, from the leaf up.
        root: The tree's root hash.

    Raises:
        MerkleError: The proof does not lead from this leaf at this index to this root, or a hash has not 32 bytes.

    Source: RFC 9162, section 2.1.3.2.
    """
    _demand_hashes(("leaf hash", leaf), ("root hash", root), *(("hash of the inclusion proof", h) for h in proof))
    if not 0 <= index < size <= MAX_SIZE:
        raise MerkleError(f"leaf {index} is not in a tree of {size} leaves")
    inner, border = _path_lengths(index, size)
    if len(proof) != inner + border:
        raise MerkleError(
            f"the inclusion proof of leaf {index} in {size} leaves has {inner + border} hashes, not {len(proof)}"
        )
    if _climb_border(_climb(leaf, proof[:inner], index), proof[inner:]) != root:
        raise MerkleError(f"the inclusion proof of leaf {index} does not lead to the root of {size} leaves")


def verify_consistency(size1: int, size2: int, proof: Sequence[bytes], root1: bytes, root2: bytes) -> None:
    """Check that a tree extends an earlier one: nothing in the earlier one was changed, moved or taken out.

    Args:
        size1: Number of leaves of the earlier tree, at least 1: everything extends the empty tree.
        size2: Number of leaves of the later tree.
        proof: As `consistency_proof` gives it; empty for equal sizes.
        root1: The earlier root hash.
        root2: The later root hash.

    Raises:
        MerkleError: The later tree does not extend the earlier one, or a hash has not 32 bytes.

    Source: RFC 9162, section 2.1.4.2.
    """
    _demand_hashes(("root hash", root1), ("root hash", root2), *(("hash of the consistency proof", h) for h in proof))
    if not 0 < size1 <= size2 <= MAX_SIZE:
        raise MerkleError(f"there is no consistency proof from {size1} to {size2} leaves")
    from_root, to_root = _consistent_roots(size1, size2, proof, root1)
    if from_root != root1:
        raise MerkleError(f"the consistency proof does not lead to the root of {size1} leaves")
    if to_root != root2:
        raise MerkleError(f"the tree of {size2} leaves does not extend that of {size1}")


def _consistent_roots(size1: int, size2: int, proof: Sequence[bytes], root1: bytes) -> tuple[bytes, bytes]:
    """The roots of both trees, as the proof gives them: both paths go up from the last perfect subtree of the first."""
    if size1 == size2:
        _demand_length(proof, 0, size1, size2)
        return root1, root1
    height = (size1 & -size1).bit_length() - 1
    inner, border = _path_lengths(size1 - 1, size2)
    inner -= height
    # a first tree that is itself perfect is where the paths begin: the proof leaves its root out
    whole = size1 == 1 << height
    _demand_length(proof, inner + border + (not whole), size1, size2)
    seed, path = (root1, proof) if whole else (proof[0], proof[1:])
    turns = (size1 - 1) >> height
    from_root = _climb_border(_climb_left(seed, path[:inner], turns), path[inner:])
    to_root = _climb_border(_climb(seed, path[:inner], turns), path[inner:])
    return from_root, to_root


def _path_lengths(index: int, size: int) -> tuple[int, int]:
    """How many hashes of a path lie below its meeting with the path of the last leaf, and how many left of it above."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _climb(start: bytes, path: Sequence[bytes], turns: int) -> bytes:
    """Hash upwards; bit n of `turns` says that the n-th hash lies to the left."""
    for height, sibling in enumerate(path):
        start = node_hash(sibling, start) if turns >> height & 1 else node_hash(start, sibling)
    return start


def _climb_left(start: bytes, path: Sequence[bytes], turns: int) -> bytes:
    """Hash upwards over the left siblings only: what lies to the right came later."""
    return _climb_border(start, [sibling for height, sibling in enumerate(path) if turns >> height & 1])


def _climb_border(start: bytes, path: Sequence[bytes]) -> bytes:
    for sibling in path:
        start = node_hash(sibling, start)
    return start


def _demand_hashes(*named: tuple[str, bytes]) -> None:
    for what, value in named:
        if len(value) != HASH_SIZE:
            raise MerkleError(f"a {what} has {len(value)} bytes, not {HASH_SIZE}")


def _demand_whole(hashes: bytes) -> None:
    if len(hashes) % HASH_SIZE:
        raise MerkleError(f"{len(hashes)} bytes are no whole number of hashes of {HASH_SIZE} bytes")


def _demand_length(proof: Sequence[bytes], length: int, size1: int, size2: int) -> None:
    if len(proof) != length:
        raise MerkleError(f"the consistency proof from {size1} to {size2} leaves has {length} hashes, not {len(proof)}")

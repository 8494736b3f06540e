"""Hashes and roots by known answers; proofs by the recursive definitions of RFC 6962, written out."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.errors import MerkleError
from muniment.merkle.tree import (
    EMPTY_ROOT,
    fold,
    hash_leaves,
    leaf_hash,
    node_hash,
    parents,
    perfect_roots,
    subtree_root,
    verify_consistency,
    verify_inclusion,
)

# the reference inputs and roots of the Certificate Transparency code base, sizes 1 to 8
RFC_LEAVES = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    bytes.fromhex("40414243"),
    bytes.fromhex("5051525354555657"),
    bytes.fromhex("606162636465666768696a6b6c6d6e6f"),
]
RFC_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def split(count: int) -> int:
    return 1 << (count - 1).bit_length() - 1


def mth(hashes: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, over leaf hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else EMPTY_ROOT
    k = split(len(hashes))
    return node_hash(mth(hashes[:k]), mth(hashes[k:]))


def path(m: int, hashes: list[bytes]) -> list[bytes]:
    """RFC 6962, section 2.1.1."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), mth(hashes[k:])]
    return [*path(m - k, hashes[k:]), mth(hashes[:k])]


def subproof(m: int, hashes: list[bytes], *, whole: bool) -> list[bytes]:
    """RFC 6962, section 2.1.2."""
    if m == len(hashes):
        return [] if whole else [mth(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole=whole), mth(hashes[k:])]
    return [*subproof(m - k, hashes[k:], whole=False), mth(hashes[:k])]


def leaf_hashes(count: int) -> list[bytes]:
    return [leaf_hash(b"%d" % number) for number in range(count)]


def flip(value: bytes, bit: int) -> bytes:
    changed = bytearray(value)
    changed[bit // 8 % len(value)] ^= 1 << bit % 8
    return bytes(changed)


def test_hashes_are_sha_256_with_the_prefix_of_a_leaf_or_a_node() -> None:
    assert hashlib.sha256().digest() == EMPTY_ROOT
    assert leaf_hash(b"leaf") == hashlib.sha256(b"\x00leaf").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert subtree_root(hash_leaves(RFC_LEAVES[:size])).hex() == RFC_ROOTS[size - 1]


def test_the_root_over_nothing_is_the_empty_root() -> None:
    assert subtree_root(b"") == fold(()) == EMPTY_ROOT


@settings(deadline=None)
@given(st.integers(0, 300))
def test_a_root_is_the_one_of_the_recursive_definition(count: int) -> None:
    hashes = leaf_hashes(count)
    assert subtree_root(b"".join(hashes)) == mth(hashes)


@settings(deadline=None)
@given(st.integers(0, 300))
def test_perfect_roots_are_one_for_each_bit_of_the_count_largest_first(count: int) -> None:
    hashes = leaf_hashes(count)
    expected, first = [], 0
    for height in reversed(range(count.bit_length())):
        if count >> height & 1:
            expected.append(mth(hashes[first : first + (1 << height)]))
            first += 1 << height
    assert perfect_roots(b"".join(hashes)) == tuple(expected)


def test_parents_are_the_node_hashes_of_each_pair() -> None:
    a, b, c, d = leaf_hashes(4)
    assert parents(a + b + c + d) == node_hash(a, b) + node_hash(c, d)


@pytest.mark.parametrize("length", [1, 31, 33, 63, 65])
def test_bytes_that_are_no_whole_number_of_hashes_have_no_root(length: int) -> None:
    with pytest.raises(MerkleError, match=f"^{length} bytes are no whole number of hashes of 32 bytes$"):
        subtree_root(bytes(length))


@settings(deadline=None)
@given(st.data())
def test_each_leaf_proves_its_place_and_no_other(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    hashes = leaf_hashes(size)
    index = data.draw(st.integers(0, size - 1))
    proof, root = path(index, hashes), mth(hashes)
    verify_inclusion(hashes[index], index, size, proof, root)
    other = data.draw(st.integers(0, size + 1).filter(lambda value: value != index))
    with pytest.raises(MerkleError):
        verify_inclusion(hashes[index], other, size, proof, root)


@settings(deadline=None)
@given(st.data())
def test_one_flipped_bit_of_an_inclusion_proof_never_verifies(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 70))
    index = data.draw(st.integers(0, size - 1))
    hashes = leaf_hashes(size)
    values = [hashes[index], mth(hashes), *path(index, hashes)]
    place = data.draw(st.integers(0, len(values) - 1))
    values[place] = flip(values[place], data.draw(st.integers(0, 255)))
    leaf, root, *proof = values
    with pytest.raises(MerkleError):
        verify_inclusion(leaf, index, size, proof, root)


@settings(deadline=None)
@given(st.data())
def test_each_tree_is_consistent_with_every_earlier_one(data: st.DataObject) -> None:
    size2 = data.draw(st.integers(1, 70))
    size1 = data.draw(st.integers(1, size2))
    hashes = leaf_hashes(size2)
    verify_consistency(size1, size2, subproof(size1, hashes, whole=True), mth(hashes[:size1]), mth(hashes))


@settings(deadline=None)
@given(st.data())
def test_one_flipped_bit_of_a_consistency_proof_never_verifies(data: st.DataObject) -> None:
    size2 = data.draw(st.integers(1, 70))
    size1 = data.draw(st.integers(1, size2))
    hashes = leaf_hashes(size2)
    values = [mth(hashes[:size1]), mth(hashes), *subproof(size1, hashes, whole=True)]
    place = data.draw(st.integers(0, len(values) - 1))
    values[place] = flip(values[place], data.draw(st.integers(0, 255)))
    root1, root2, *proof = values
    with pytest.raises(MerkleError):
        verify_consistency(size1, size2, proof, root1, root2)


@settings(deadline=None)
@given(st.data())
def test_a_tree_with_an_earlier_leaf_changed_is_not_consistent(data: st.DataObject) -> None:
    size2 = data.draw(st.integers(2, 70))
    size1 = data.draw(st.integers(1, size2 - 1))
    hashes = leaf_hashes(size2)
    forked = list(hashes)
    forked[data.draw(st.integers(0, size1 - 1))] = leaf_hash(b"another")
    with pytest.raises(MerkleError):
        verify_consistency(size1, size2, subproof(size1, forked, whole=True), mth(hashes[:size1]), mth(forked))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_hashes_that_have_not_32_bytes_are_refused_even_where_they_agree(length: int) -> None:
    short = bytes(length)
    with pytest.raises(MerkleError, match=f"^a leaf hash has {length} bytes, not 32$"):
        verify_inclusion(short, 0, 1, [], short)
    with pytest.raises(MerkleError, match=f"^a root hash has {length} bytes, not 32$"):
        verify_inclusion(bytes(32), 0, 1, [], short)
    with pytest.raises(MerkleError, match=f"^a hash of the inclusion proof has {length} bytes, not 32$"):
        verify_inclusion(bytes(32), 0, 2, [short], bytes(32))
    with pytest.raises(MerkleError, match=f"^a root hash has {length} bytes, not 32$"):
        verify_consistency(1, 1, [], short, short)
    with pytest.raises(MerkleError, match=f"^a hash of the consistency proof has {length} bytes, not 32$"):
        verify_consistency(1, 2, [short], bytes(32), bytes(32))


@pytest.mark.parametrize(("size1", "size2"), [(0, 0), (0, 5), (-1, 5), (6, 5), (1, 2**63)])
def test_there_is_no_consistency_from_nothing_backwards_or_beyond_63_bits(size1: int, size2: int) -> None:
    with pytest.raises(MerkleError, match=f"^there is no consistency proof from {size1} to {size2} leaves$"):
        verify_consistency(size1, size2, [], EMPTY_ROOT, EMPTY_ROOT)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (0, -1), (0, 2**63)])
def test_there_is_no_inclusion_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(MerkleError, match=f"^leaf {index} is not in a tree of {size} leaves$"):
        verify_inclusion(EMPTY_ROOT, index, size, [], EMPTY_ROOT)


def test_a_proof_of_another_length_is_refused_by_its_length() -> None:
    hashes = leaf_hashes(5)
    proof, root = path(2, hashes), mth(hashes)
    with pytest.raises(MerkleError, match=r"^the inclusion proof of leaf 2 in 5 leaves has 3 hashes, not 2$"):
        verify_inclusion(hashes[2], 2, 5, proof[:-1], root)
    with pytest.raises(MerkleError, match=r"^the inclusion proof of leaf 2 in 5 leaves has 3 hashes, not 4$"):
        verify_inclusion(hashes[2], 2, 5, [*proof, root], root)
    with pytest.raises(MerkleError, match=r"^the consistency proof from 3 to 5 leaves has 4 hashes, not 0$"):
        verify_consistency(3, 5, [], mth(hashes[:3]), root)
    with pytest.raises(MerkleError, match=r"^the consistency proof from 5 to 5 leaves has 0 hashes, not 1$"):
        verify_consistency(5, 5, [root], root, root)


def test_equal_sizes_with_different_roots_are_not_consistent() -> None:
    with pytest.raises(MerkleError, match=r"^the tree of 5 leaves does not extend that of 5$"):
        verify_consistency(5, 5, [], mth(leaf_hashes(5)), leaf_hash(b""))

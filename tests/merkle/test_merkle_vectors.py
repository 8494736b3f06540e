"""The proof vectors of transparency-dev/merkle, all 196."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from muniment.errors import MerkleError
from muniment.merkle.tree import verify_consistency, verify_inclusion

VECTORS = Path(__file__).parent / "vectors"

STRICTER = {
    # its roots are the 12 bytes "don't care 2", equal and never looked at; we demand 32 bytes of every hash
    "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json",
}


def vectors(kind: str) -> list[Any]:
    paths = sorted((VECTORS / kind).rglob("*.json"))
    return [pytest.param(path, id=path.relative_to(VECTORS).as_posix()) for path in paths]


def load(path: Path) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads(path.read_bytes())
    return vector


def hashes(texts: list[str] | None) -> list[bytes]:
    return [base64.b64decode(text) for text in texts or ()]


def must_refuse(path: Path) -> bool:
    return load(path)["wantErr"] or path.relative_to(VECTORS).as_posix() in STRICTER


@pytest.mark.parametrize("path", vectors("inclusion"))
def test_an_inclusion_proof_is_accepted_or_refused_as_the_vector_says(path: Path) -> None:
    vector = load(path)
    leaf, root = hashes([vector["leafHash"], vector["root"]])
    arguments = (leaf, vector["leafIdx"], vector["treeSize"], hashes(vector["proof"]), root)
    if must_refuse(path):
        with pytest.raises(MerkleError):
            verify_inclusion(*arguments)
    else:
        verify_inclusion(*arguments)


@pytest.mark.parametrize("path", vectors("consistency"))
def test_a_consistency_proof_is_accepted_or_refused_as_the_vector_says(path: Path) -> None:
    vector = load(path)
    root1, root2 = hashes([vector["root1"], vector["root2"]])
    arguments = (vector["size1"], vector["size2"], hashes(vector["proof"]), root1, root2)
    if must_refuse(path):
        with pytest.raises(MerkleError):
            verify_consistency(*arguments)
    else:
        verify_consistency(*arguments)


def test_all_vectors_are_there_and_both_verdicts_occur() -> None:
    for kind, accepted in (("inclusion", 6), ("consistency", 6)):
        verdicts = [load(parameter.values[0])["wantErr"] for parameter in vectors(kind)]
        assert (len(verdicts), verdicts.count(False)) == (98, accepted)


def test_we_are_stricter_only_where_a_hash_has_not_32_bytes() -> None:
    for name in STRICTER:
        vector = load(VECTORS / name)
        assert vector["wantErr"] is False
        assert {len(value) for value in hashes([vector["root1"], vector["root2"]])} == {12}

"""A reader of an archive by somebody who had only docs/archive-format.md: pyarrow and hashlib, nothing of ours.

python independent_reader.py ARCHIVE prints how many leaves of each kind there are, and fails where the root differs.
"""

import base64
import collections
import hashlib
import json
import pathlib
import re
import sys

import pyarrow.parquet as pq


def read_checkpoint(archive: pathlib.Path) -> tuple[str, int, bytes]:
    """Origin, tree size and root hash; whoever has the vkey verifies the signature below them too."""
    origin, size, root = (archive / "checkpoint").read_text("utf-8").split("\n")[:3]
    return origin, int(size), base64.b64decode(root, validate=True)


def covering_files(archive: pathlib.Path, size: int) -> list[pathlib.Path]:
    """Files that hold leaves 0 to size - 1, each leaf once: superseded ones may lie beside them."""
    starts: dict[int, list[tuple[int, pathlib.Path]]] = collections.defaultdict(list)
    for path in (archive / "segment").iterdir():
        match = re.fullmatch(r"(\d+)-(\d+)\.([0-9a-f]{16})\.parquet", path.name)
        if match and int(match[2]) <= size:
            starts[int(match[1])].append((int(match[2]), path))
    chosen, at = [], 0
    while at < size:
        if at not in starts:
            sys.exit(f"no file begins at leaf {at}")
        at, path = max(starts[at])
        chosen.append(path)
    return chosen


def root_of(hashes: list[bytes]) -> bytes:
    """RFC 9162, section 2.1.1."""
    if len(hashes) <= 1:
        return hashes[0] if hashes else hashlib.sha256(b"").digest()
    split = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root_of(hashes[:split]) + root_of(hashes[split:])).digest()


def main(archive: pathlib.Path) -> None:
    origin, size, root = read_checkpoint(archive)
    kinds: collections.Counter[str] = collections.Counter()
    hashes: list[bytes] = []
    for path in covering_files(archive, size):
        if hashlib.sha256(path.read_bytes()).hexdigest()[:16] != path.name.split(".")[1]:
            sys.stderr.write(f"{path.name}: not the content that its name promises\n")
        for batch in pq.ParquetFile(path).iter_batches(columns=["index", "leaf"]):
            for index, leaf in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                if index != len(hashes):
                    sys.exit(f"{path.name}: leaf {index} stands where leaf {len(hashes)} should")
                hashes.append(hashlib.sha256(b"\0" + leaf).digest())
                kinds[json.loads(re.match(rb'\{"kind":("[a-z_0-9]+"),', leaf)[1])] += 1  # type: ignore[index]
    if root_of(hashes) != root:
        sys.exit(f"{origin}: the {size} leaves do not have the root hash that the checkpoint says")
    sys.stdout.write(json.dumps({"origin": origin, "leaves": size, "kinds": kinds}) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))

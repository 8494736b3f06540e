"""The Go team's note and tlog packages accept a log made by ours, and refuse it with one bit changed."""

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from muniment.merkle.checkpoint import Checkpoint
from muniment.merkle.note import Signer, sign_note
from muniment.merkle.proof import encode_proof
from muniment.merkle.tiles import EMPTY_HEAD, Tile, extend, inclusion_proof, tiles_of
from muniment.merkle.tree import hash_leaves

GoVerify = Callable[..., subprocess.CompletedProcess[str]]

SIGNER = Signer("muniment.example/interop", bytes(range(32)))
OTHER = Signer("witness.example", bytes(range(32, 64)))
LARGE = 70_003  # three levels of tiles, each with a partial one
LEAF = 66_601


@dataclass(frozen=True)
class Log:
    """A log as files; beside it a leaf, a proof file of that leaf, and the checkpoint of each size on the way."""

    folder: Path
    size: int
    index: int

    @property
    def leaf(self) -> Path:
        return self.folder / "the.leaf"

    @property
    def proof(self) -> Path:
        return self.folder / "the.tlog-proof"

    def old(self, size: int) -> Path:
        return self.folder / f"checkpoint.{size}"


def leaf_bytes(index: int) -> bytes:
    return b'{"kind":"entry","number":%d}' % index


def make_log(folder: Path, sizes: list[int], index: int) -> Log:
    """Grow a log through these sizes, writing every tile and checkpoint that comes up."""

    def read(tile: Tile) -> bytes:
        return (folder / tile.path).read_bytes()

    head, note = EMPTY_HEAD, ""
    for size in sizes:
        head, tiles = extend(head, hash_leaves(leaf_bytes(number) for number in range(head.size, size)), read)
        for tile, hashes in tiles.items():
            path = folder / tile.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(hashes)
        note = sign_note(Checkpoint(SIGNER.name, size, head.root).encode(), [SIGNER, OTHER])
        (folder / f"checkpoint.{size}").write_bytes(note.encode())
    log = Log(folder, head.size, index)
    (folder / "checkpoint").write_bytes(note.encode())
    log.leaf.write_bytes(leaf_bytes(index))
    log.proof.write_bytes(encode_proof(index, inclusion_proof(index, head.size, read), note, b"extra").encode())
    return log


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Log:
    return make_log(tmp_path_factory.mktemp("large"), [1, 300, 65_536, 65_790, LARGE], LEAF)


@pytest.fixture
def large(made: Log, tmp_path: Path) -> Log:
    """A copy to do damage to."""
    shutil.copytree(made.folder, tmp_path / "log")
    return Log(tmp_path / "log", made.size, made.index)


def flip_bit(path: Path, bit: int) -> None:
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def everything(go_verify: GoVerify, log: Log, old: int) -> subprocess.CompletedProcess[str]:
    return go_verify(log.folder, SIGNER.vkey, leaf=log.leaf, index=log.index, old=log.old(old), proof=log.proof)


@pytest.mark.parametrize("old", [1, 300, 65_536, 65_790, LARGE])
def test_go_accepts_a_large_log_and_every_earlier_checkpoint(go_verify: GoVerify, made: Log, old: int) -> None:
    answer = everything(go_verify, made, old)
    assert (answer.returncode, answer.stderr) == (0, "")
    checkpoint, *checks = answer.stdout.splitlines()
    root = (made.folder / "checkpoint").read_text("utf-8").split("\n")[2]
    assert checkpoint == f"checkpoint {LARGE} {root}"
    assert checks == ["root", "tiles", f"leaf {LEAF}", f"consistency {old}", f"proof {LEAF} in {LARGE}"]


@pytest.mark.parametrize("size", [1, 2, 3, 255, 256, 257, 511, 512, 513, 1000])
def test_go_accepts_a_small_log(go_verify: GoVerify, tmp_path: Path, size: int) -> None:
    for index in {0, size // 2, size - 1}:
        shutil.rmtree(tmp_path)
        tmp_path.mkdir()
        log = make_log(tmp_path, sorted({1, (size + 1) // 2, size}), index)
        answer = everything(go_verify, log, (size + 1) // 2)
        assert (answer.returncode, answer.stderr) == (0, "")


def test_go_accepts_a_log_grown_leaf_by_leaf_at_each_size(go_verify: GoVerify, tmp_path: Path) -> None:
    log = make_log(tmp_path, list(range(250, 265)), 256)
    for size in range(250, 265):
        shutil.copy(log.old(size), log.folder / "checkpoint")
        answer = go_verify(log.folder, SIGNER.vkey, old=log.old(250))
        assert (answer.returncode, answer.stderr) == (0, "")


def test_go_accepts_a_proof_file_without_the_log(go_verify: GoVerify, made: Log) -> None:
    answer = go_verify(None, SIGNER.vkey, leaf=made.leaf, proof=made.proof)
    assert (answer.returncode, answer.stdout) == (0, f"proof {LEAF} in {LARGE}\n")


@pytest.mark.parametrize("tile", [*list(tiles_of(LARGE))[:272:90], *list(tiles_of(LARGE))[-5:]], ids=lambda t: t.path)
def test_go_refuses_one_changed_bit_in_a_tile(go_verify: GoVerify, large: Log, tile: Tile) -> None:
    path = large.folder / tile.path
    whole = path.read_bytes()
    for bit in (0, len(whole) * 4 + 3, len(whole) * 8 - 1):
        flip_bit(path, bit)
        answer = go_verify(large.folder, SIGNER.vkey)
        assert answer.returncode == 1
        assert re.fullmatch(
            r"(root|tiles): (downloaded inconsistent tile|tile \d+ of level \d does not belong to the one above it)\n",
            answer.stderr,
        )
        path.write_bytes(whole)


def test_go_refuses_one_changed_bit_in_a_leaf(go_verify: GoVerify, large: Log) -> None:
    flip_bit(large.leaf, 100)
    answer = everything(go_verify, large, 300)
    assert (answer.returncode, answer.stderr) == (1, f"leaf {LEAF}: invalid transparency proof\n")
    answer = go_verify(None, SIGNER.vkey, leaf=large.leaf, proof=large.proof)
    assert (answer.returncode, answer.stderr) == (1, "proof: invalid transparency proof\n")


@pytest.mark.parametrize("line", range(5))
def test_go_refuses_one_changed_bit_in_a_checkpoint(go_verify: GoVerify, large: Log, line: int) -> None:
    path = large.folder / "checkpoint"
    offset = sum(len(text) for text in path.read_bytes().splitlines(keepends=True)[:line])
    flip_bit(path, (offset + (30 if line == 4 else 0)) * 8)
    answer = go_verify(large.folder, SIGNER.vkey)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("checkpoint: ")


@pytest.mark.parametrize("line", range(1, 12))
def test_go_refuses_one_changed_bit_in_a_proof_file(go_verify: GoVerify, large: Log, line: int) -> None:
    lines = large.proof.read_bytes().splitlines(keepends=True)
    assert lines[2] == b"index %d\n" % LEAF
    offset = sum(len(text) for text in lines[: line + 1])
    flip_bit(large.proof, (offset + (len("index ") if line == 1 else 3)) * 8)
    answer = go_verify(None, SIGNER.vkey, leaf=large.leaf, proof=large.proof)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert answer.stderr.startswith("proof: ")


def test_go_refuses_an_earlier_checkpoint_of_another_tree(go_verify: GoVerify, large: Log) -> None:
    forked = sign_note(Checkpoint(SIGNER.name, 300, bytes(32)).encode(), [SIGNER])
    large.old(300).write_bytes(forked.encode())
    answer = everything(go_verify, large, 300)
    assert (answer.returncode, answer.stderr) == (1, "consistency: invalid transparency proof\n")


def test_go_refuses_the_signature_of_another_key(go_verify: GoVerify, made: Log) -> None:
    answer = go_verify(made.folder, Signer(SIGNER.name, bytes(32)).vkey)
    assert (answer.returncode, answer.stderr) == (1, "checkpoint: note has no verifiable signatures\n")


def test_go_refuses_a_tile_cut_short(go_verify: GoVerify, large: Log) -> None:
    path = large.folder / Tile(0, 9).path
    path.write_bytes(path.read_bytes()[:-32])
    answer = go_verify(large.folder, SIGNER.vkey)
    assert (answer.returncode, answer.stderr) == (1, "tiles: tile/0/009 has 8160 bytes\n")

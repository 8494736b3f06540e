"""The files of an archive, of its home and of what is derived from it, changed in any way.

Whoever reads them gives what was sealed or one of our errors; `verify` never passes over a change.
"""

import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.archive.world import found, leaves_of, opened, page, seal, writer_on
from tests.fuzz.mutation import examples, mutated

from muniment.archive.columns import entry_batch
from muniment.archive.contents import FACTS
from muniment.archive.damage import demand_content
from muniment.archive.genesis import parse_genesis
from muniment.archive.identity import content_hashes, row_keys
from muniment.archive.keys import KeyRuns
from muniment.archive.leaf import encode_leaf, parse_leaf
from muniment.archive.reading import Archive
from muniment.archive.segments import SegmentName
from muniment.collect.standing import load_standing
from muniment.errors import MunimentError, NotEvidence
from muniment.evidence.archive import verify_archive

pytestmark = pytest.mark.soak
MOST_MORE_BYTES = 400 << 20
"""A changed file of some kilobytes makes nobody hold so much more."""
SOURCE = "account-manager@one.digicert.com"
AT = "2026-03-02T23:56:45Z"


class Sealed:
    """An archive of two commits, its home, and what is derived from it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        archive, home = found(folder)
        writer = writer_on(archive, home)
        seal(writer, page(0, 40))
        seal(writer, page(40, 9), entry_batch(SOURCE, AT, [b'{"id":"\xff","n":NaN}']))
        writer.close()
        self.leaves = leaves_of(archive)
        self.root = archive.root
        self.genesis = archive.genesis
        with KeyRuns.open(archive, folder / "cache") as keys:
            keys.save(archive, least=1)
        self.standing = load_standing(archive, folder / "cache")
        paths = (
            path for path in sorted(folder.rglob("*")) if path.is_file() and path.parent.name not in {"lock", "tmp"}
        )
        self.files = {path: path.read_bytes() for path in paths if path.name != "lock"}
        exempt = {folder / "archive" / name for name in verify_archive(folder / "archive").not_evidence}
        self.files = {path: data for path, data in self.files.items() if path not in exempt}
        self.archive_files, self.homes, self.caches = (
            [path for path in self.files if path.is_relative_to(folder / room)] for room in ("archive", "home", "cache")
        )

    def put_back(self) -> None:
        """Make everything as it was."""
        shutil.rmtree(self.folder)
        for path, data in self.files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sealed]:
    yield Sealed(tmp_path_factory.mktemp("fuzz"))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    assert most < MOST_MORE_BYTES + (600 << 20)


@examples(120, 20_000)
@given(st.data())
def test_a_changed_file_of_an_archive_never_verifies_and_is_read_as_sealed_or_refused(
    sealed: Sealed, data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(sealed.archive_files))
    content = data.draw(mutated(sealed.files[path]))
    path.write_bytes(content)
    try:
        assert bool(verify_archive(sealed.folder / "archive").problems) is (content != sealed.files[path])
        try:
            archive = Archive.open(sealed.folder / "archive")
            leaves = leaves_of(archive)
            list(archive.batches())
            archive.leaf(archive.size - 1)
            list(archive.record())
        except MunimentError:
            return
        assert all(isinstance(leaf, bytes) for leaf in leaves)
    finally:
        path.write_bytes(sealed.files[path])


@examples(60, 10_000)
@given(st.data())
def test_nothing_is_built_on_a_changed_segment(sealed: Sealed, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([path for path in sealed.archive_files if path.suffix == ".parquet"]))
    content = data.draw(mutated(sealed.files[path]))
    if content == sealed.files[path]:
        return
    archive = opened(sealed.folder)[0]
    name = SegmentName.parse(f"segment/{path.name}")
    assert name is not None
    path.write_bytes(content)
    try:
        with pytest.raises(NotEvidence):
            demand_content(archive.storage, name)
    finally:
        path.write_bytes(sealed.files[path])


@examples(60, 5_000)
@given(st.data())
def test_a_commit_over_a_changed_file_seals_well_or_is_refused(sealed: Sealed, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([*sealed.homes, *sealed.archive_files]))
    path.write_bytes(data.draw(mutated(sealed.files[path])))
    try:
        archive, home = opened(sealed.folder)
        with writer_on(archive, home) as writer:
            seal(writer, page(900, 2))
    except MunimentError:
        return
    finally:
        now = Archive.open(sealed.folder / "archive") if path not in sealed.archive_files else None
        leaves = None if now is None else leaves_of(now)
        sealed.put_back()
        assert leaves is None or leaves[: len(sealed.leaves)] == sealed.leaves


@examples(60, 10_000)
@given(st.data())
def test_a_changed_cache_changes_nothing_that_is_known(sealed: Sealed, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sealed.caches))
    path.write_bytes(data.draw(mutated(sealed.files[path])))
    try:
        archive = opened(sealed.folder)[0]
        rows = next(archive.batches(1, 11))
        payloads = [parse_leaf(leaf).payload for leaf in rows["leaf"].to_pylist()]
        with KeyRuns.open(archive, sealed.folder / "cache") as keys:
            seen = keys.look_up(row_keys(rows), content_hashes(payloads))
        assert seen.leaves.tolist() == seen.versions.tolist() == list(range(1, 11))
        assert load_standing(archive, sealed.folder / "cache") == sealed.standing
    finally:
        sealed.put_back()


LEAVES = (
    encode_leaf("entry", SOURCE, AT, b'{"id":"e1"}'),
    encode_leaf("receipt", "muniment", AT, b'{"phase":"opened"}', previous=None),
    encode_leaf("key", "muniment", AT, b"{}", previous=7),
)


@examples(150, 40_000)
@given(mutated(*LEAVES) | st.binary())
def test_a_changed_leaf_is_refused_or_written_in_the_one_way_it_can_be(data: bytes) -> None:
    try:
        leaf = parse_leaf(data)
    except NotEvidence:
        return
    if leaf.kind in {"entry", "receipt", "key"}:
        assert encode_leaf(leaf.kind, leaf.source, leaf.observed_at, leaf.payload, previous=leaf.previous) == data


@examples(60, 20_000)
@given(st.data())
def test_a_changed_first_leaf_is_refused_or_says_other_facts(sealed: Sealed, data: st.DataObject) -> None:
    first = data.draw(mutated(sealed.leaves[0]))
    try:
        genesis = parse_genesis(first)
    except NotEvidence:
        return
    facts = (sealed.folder / "archive" / FACTS).read_bytes()
    assert genesis.toml() == facts or first != sealed.leaves[0]

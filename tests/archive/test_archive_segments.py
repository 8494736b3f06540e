from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muniment.archive.segments import LAYOUT, Layout, SegmentName, cover, cut, final_blocks, plan_merges, superseded

commits = st.lists(st.one_of(st.integers(1, 4), st.integers(1, 70)), min_size=1, max_size=80)
layouts = st.sampled_from([Layout(16, 4), Layout(64, 4), Layout(64, 2), Layout(27, 3), Layout(256, 16)])


class Shelf:
    """The files of an archive, and how often each leaf was written."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.names: set[SegmentName] = set()
        self.size = 0
        self.writes: list[int] = []

    def commit(self, count: int) -> None:
        for first, end in cut(self.size, self.size + count, self.layout):
            self.write(first, end)
        self.size += count

    def write(self, first: int, end: int) -> None:
        self.writes += [0] * (end - len(self.writes))
        self.names.add(SegmentName(first, end, f"{first * 1000 + end:016x}"))
        for leaf in range(first, end):
            self.writes[leaf] += 1

    def covering(self) -> Sequence[SegmentName]:
        covering = cover(self.names, self.size)
        assert covering is not None
        return covering

    def merge(self) -> None:
        for run in plan_merges(self.covering(), self.layout):
            self.write(run[0].first, run[-1].end)


@given(commits, layouts, st.booleans())
@settings(deadline=None)
def test_every_leaf_is_in_one_covering_file_and_rewritten_once_a_class(
    counts: list[int], layout: Layout, clean: bool
) -> None:
    shelf = Shelf(layout)
    for count in counts:
        shelf.commit(count)
        shelf.merge()
        covering = shelf.covering()
        assert [leaf for name in covering for leaf in range(name.first, name.end)] == list(range(shelf.size))
        assert all(name.first // layout.block == (name.end - 1) // layout.block for name in covering)
        assert set(final_blocks(covering, layout)) == set(range(shelf.size // layout.block))
        assert plan_merges(covering, layout) == []
        if clean:
            shelf.names -= set(superseded(shelf.names, covering, shelf.size))
            assert shelf.names == set(covering)
    assert max(shelf.writes) - 1 <= layout.class_of(layout.block)


def test_a_leaf_of_the_real_layout_is_rewritten_at_most_four_times() -> None:
    assert LAYOUT.class_of(LAYOUT.block) == 4
    shelf = Shelf(LAYOUT)
    for _ in range(4_200):
        shelf.commit(1)
        shelf.merge()
        shelf.names = set(shelf.covering())
    assert max(shelf.writes) - 1 == 3
    assert len(shelf.covering()) <= 45


@given(commits, st.data())
@settings(deadline=None)
def test_a_file_that_is_gone_leaves_a_hole_or_another_way(counts: list[int], data: st.DataObject) -> None:
    shelf = Shelf(Layout(64, 4))
    for count in counts:
        shelf.commit(count)
        shelf.merge()
    lost = data.draw(st.sampled_from(sorted(shelf.names)))
    covering = cover(shelf.names - {lost}, shelf.size)
    assert covering is None or [leaf for name in covering for leaf in range(name.first, name.end)] == list(
        range(shelf.size)
    )


def test_files_past_the_tree_are_never_chosen() -> None:
    names = [SegmentName(0, 5, "a" * 16), SegmentName(5, 9, "b" * 16), SegmentName(0, 9, "c" * 16)]
    assert cover(names, 5) == (names[0],)
    assert cover(names, 9) == (names[2],)
    assert cover(names, 7) is None
    assert cover(names, 7, limit=9) == (names[2],)


def test_an_earlier_tree_is_read_from_files_that_were_merged_since() -> None:
    assert cover([SegmentName(0, 16, "a" * 16)], 5) is None
    assert cover([SegmentName(0, 16, "a" * 16)], 5, limit=20) == (SegmentName(0, 16, "a" * 16),)


def test_ranges_are_cut_at_multiples_of_a_block() -> None:
    assert cut(10, 10) == []
    assert cut(10, 20, Layout(16, 4)) == [(10, 16), (16, 20)]
    assert cut(16, 48, Layout(16, 4)) == [(16, 32), (32, 48)]
    assert cut(65_536, 65_537) == [(65_536, 65_537)]


@pytest.mark.parametrize(
    "path",
    [
        "segment/5-5.0123456789abcdef.parquet",
        "segment/05-6.0123456789abcdef.parquet",
        "segment/5-6.0123456789ABCDEF.parquet",
        "segment/5-6.0123456789abcdef.parquet.tmp",
        "segment/5-6.parquet",
        "tile/0/000",
    ],
)
def test_what_is_not_called_as_a_segment_is_none(path: str) -> None:
    assert SegmentName.parse(path) is None


def test_a_name_is_its_path_and_back() -> None:
    name = SegmentName(65_536, 131_072, "0123456789abcdef")
    assert name.path == "segment/65536-131072.0123456789abcdef.parquet"
    assert SegmentName.parse(name.path) == name

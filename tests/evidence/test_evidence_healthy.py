"""What was not harmed verifies: else a verifier that refuses everything would pass all other tests."""

import shutil
from pathlib import Path

from tests.evidence.world import (
    SOURCE,
    World,
    collect,
    failed,
    found,
    leaves_of,
    page,
    problems_of,
    result_of,
    seal_anew,
    vkey_of,
    why_of,
    writing,
)

from muniment.archive.leaf import encode_leaf
from muniment.archive.segments import LAYOUT
from muniment.evidence.archive import verify_archive
from muniment.evidence.folder import Folder
from muniment.evidence.inquiry import Inquiry
from muniment.evidence.keys import Trusted
from muniment.merkle.canonical import encode_base64


def test_a_healthy_archive_verifies_and_the_verdict_agrees_with_the_archive(sealed: World) -> None:
    verdict = sealed.verify()
    archive = sealed.open()
    assert verdict.ok
    assert verdict.problems == ()
    assert (verdict.kind, verdict.origin, verdict.trust) == ("archive", archive.origin, "home-key")
    assert (verdict.leaves, verdict.tree_size) == (archive.size, archive.size)
    assert verdict.root == encode_base64(archive.root)


def test_each_step_has_passed_but_for_those_that_say_why_not(sealed: World) -> None:
    verdict = sealed.verify()
    skipped = {check.check for check in verdict.checks if check.result == "skipped"}
    assert skipped == {"earlier", "anchors"}
    assert all(check.why for check in verdict.checks)
    assert len({check.check for check in verdict.checks}) == len(verdict.checks) == 17


def test_every_file_is_covered_or_listed_as_no_evidence(crowded: World) -> None:
    passed_over = crowded.verify().not_evidence
    assert set(passed_over) <= set(crowded.files())
    assert {path.split("/")[0] for path in passed_over} == {"lock", "segment", "tile"}
    tiles = {"tile/0/000", "tile/0/001", "tile/0/002.p/235", "tile/1/000.p/2"}
    assert set(crowded.covered()) == {"checkpoint", "archive.toml", *tiles, *crowded.segments()}


def test_an_archive_with_nothing_but_leaf_0_verifies(tmp_path: Path) -> None:
    verdict = found(tmp_path).verify()
    assert verdict.ok
    assert verdict.leaves == 1
    assert why_of(verdict, "record") == "none yet"


def test_a_copy_elsewhere_verifies_without_its_old_place(sealed: World, tmp_path: Path) -> None:
    shutil.copytree(sealed.archive, tmp_path / "elsewhere")
    assert verify_archive(tmp_path / "elsewhere", trusted=Trusted(home=sealed.home)).ok


def test_verifying_writes_nothing(sealed: World) -> None:
    def look() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in [sealed.archive, *sealed.archive.rglob("*")]}

    before = look()
    sealed.verify()
    assert look() == before


def test_a_read_only_folder_verifies(world: World) -> None:
    folders = [world.archive, *(path for path in world.archive.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        assert world.verify().ok
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_superseded_files_gone_the_archive_verifies_just_as_well(world: World) -> None:
    with writing(world) as writer:
        collect(writer, 9000, 3)
    verdict = world.verify()
    assert verdict.ok
    assert not [path for path in verdict.not_evidence if path.startswith("segment/")]


def test_leaves_of_a_kind_from_a_later_version_are_kept_and_mentioned(plain: World) -> None:
    novel = b'{"kind":"novel","source":"muniment","observed_at":"2026-03-02T23:56:45Z","novel":{"a":1}}'
    seal_anew(plain, [*leaves_of(plain), novel])
    verdict = plain.verify()
    assert verdict.ok
    assert "does not know novel" in why_of(verdict, "leaves")


def test_an_operator_who_seals_the_same_leaves_anew_changes_nothing_that_counts(plain: World) -> None:
    seal_anew(plain, leaves_of(plain))
    assert plain.verify().ok


def test_short_envelopes_of_many_sources_moments_and_kinds_verify(plain: World) -> None:
    more = []
    for number in range(40):
        moment = f"2026-03-02T23:56:{number:02}Z"
        more.append(encode_leaf("entry", f'"s"{number % 3}', moment, b'{"id":"%d"}' % number))
        more.append(encode_leaf("account", SOURCE, moment, b'{"id":%d}' % number))
        more.append(encode_leaf("package", "muniment", moment, b"{}"))
    seal_anew(plain, [*leaves_of(plain), *more])
    assert plain.verify().ok


def test_an_archive_of_several_blocks_verifies_in_one_process_and_in_two_alike(large: World) -> None:
    alone, together = large.verify(), large.verify(children=1)
    assert alone.ok
    assert alone == together
    assert alone.leaves == large.open().size


def test_in_two_processes_the_same_leaf_is_named(large: World) -> None:
    path = large.segments()[1]
    with large.harmed(path, lambda data: data[:5000] + b"\xff" + data[5001:]):
        alone, together = large.verify(), large.verify(children=1)
    assert alone.problems
    assert sorted(alone.problems, key=repr) == sorted(together.problems, key=repr)


def test_progress_is_told_up_to_the_last_leaf(large: World) -> None:
    told: list[tuple[int, int]] = []
    verify_archive(large.archive, progress=lambda done, size: told.append((done, size)))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1] == (large.open().size, large.open().size)


def test_files_that_are_merged_away_while_it_reads_are_found_where_they_went(large: World, tmp_path: Path) -> None:
    world = large.copy(tmp_path / "busy")
    before = world.segments()

    def write(done: int, size: int) -> None:
        if done < size and world.segments() == before:
            with writing(world, layout=LAYOUT) as writer:
                collect(writer, 0, 40_000)

    verdict = verify_archive(world.archive, trusted=Trusted(home=world.home), progress=write)
    assert set(before) - set(world.files())
    assert verdict.ok, verdict.problems
    assert verdict.tree_size == large.open().size


def test_a_commit_between_reading_the_checkpoint_and_listing_the_files_does_no_harm(world: World) -> None:
    inquiry = Inquiry(Folder(world.archive))
    inquiry.read_checkpoint()
    with writing(world) as writer:
        collect(writer, 9000, 20)
    assert "segment/723-747." not in "".join(world.files())
    inquiry.read_leaves(0, None)
    inquiry.judge_tree()
    assert inquiry.problems.listed() == ()
    assert (inquiry.size, inquiry.leaves) == (747, 747)


def test_a_commit_under_way_is_listed_and_does_no_harm(world: World) -> None:
    earlier = (world.archive / "checkpoint").read_bytes()
    with writing(world) as writer:
        signer = world.home.signer(writer.archive.verifier)
        with writer.locked(1), writer.appending(signer) as transaction:
            transaction.add(page(0, 300))
    (world.archive / "checkpoint").write_bytes(earlier)
    verdict = world.verify()
    assert verdict.ok, verdict.problems
    assert "past the checkpoint" in why_of(verdict, "files")
    assert [path for path in verdict.not_evidence if path.startswith("segment/747-")]


def test_a_signature_line_of_somebody_unknown_is_mentioned(world: World) -> None:
    line = "— witness.example.com AAAAAAA=\n"
    with world.harmed("checkpoint", lambda data: data + line.encode()):
        verdict = world.verify()
    assert verdict.ok
    assert "1 further signatures by unknown keys" in why_of(verdict, "signature")


def test_the_document_has_the_agreed_keys(sealed: World) -> None:
    document = sealed.verify().document()
    assert {"ok", "kind", "leaves", "tree_size", "root", "trust", "checks", "problems", "not_evidence"} <= set(document)
    assert all(set(check) == {"check", "result", "why"} for check in document["checks"])


def test_the_key_of_the_world_is_the_one_that_signed(sealed: World) -> None:
    verdict = sealed.verify(trusted=Trusted(given=(vkey_of(sealed),)))
    assert (verdict.trust, result_of(verdict, "signature")) == ("given-key", "pass")
    assert not failed(verdict)
    assert not problems_of(verdict, "signature")

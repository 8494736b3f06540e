"""A collection as the command line drives it."""

import time
from pathlib import Path

from muniment.archive.founding import initialise
from muniment.archive.reading import Archive
from muniment.cli.account import Account
from muniment.cli.init import tell_new_archive
from muniment.cli.opening import open_archive
from muniment.cli.options import cache_folder, home_folder
from muniment.cli.progress import show_progress
from muniment.cli.signals import Noted
from muniment.cli.sources import Source
from muniment.collect.asking import LARGEST_ANSWER_BYTES
from muniment.collect.collecting import collect
from muniment.collect.goal import Goal
from muniment.collect.instants import utc_now
from muniment.errors import NoArchive
from muniment.source.client import Client

__all__ = ["collect_once"]


def collect_once(path: Path, source: Source, goal: Goal, noted: Noted, *, quiet: bool) -> Account:
    """Collect one source into the archive in a folder, which is made if it is missing.

    Args:
        path: Of the archive.
        source: What to collect.
        goal: How much of it.
        noted: Whether somebody asked to stop.
        quiet: Whether progress is not to be shown.

    Raises:
        ArchiveError: The archive cannot be used; found before the source is asked for anything.
        NotEvidence: It is damaged in what a commit reads.
    """
    started = time.monotonic()
    with (
        Client(source.settings, stop=noted.event, max_body_bytes=LARGEST_ANSWER_BYTES) as client,
        show_progress(quiet=quiet) as tell,
    ):
        archive = _open_or_make(path)
        done = collect(
            archive, client, source.name, home=home_folder(), cache=cache_folder(), goal=goal, stop=noted, tell=tell
        )
    return Account(source.name, goal, done.outcome, archive, done.standing, round(time.monotonic() - started, 3))


def _open_or_make(path: Path) -> Archive:
    try:
        return open_archive(path)
    except NoArchive:
        home = home_folder()
        made = initialise(path, home, now=utc_now())
        tell_new_archive(path, made.verifier.vkey, home.key_file(made.verifier))
        return made

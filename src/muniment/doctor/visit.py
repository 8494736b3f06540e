"""A visit: the way to the source, every assumption about it, and this machine."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from muniment.archive.home import Home
from muniment.doctor.asking import MOST_REQUESTS, MOST_S, Asking
from muniment.doctor.check import About, Check, Report
from muniment.doctor.examinations.catalogue import EXAMINATIONS
from muniment.doctor.examinations.exam import CannotSay, Finding, Page, Refusal
from muniment.doctor.examinations.sample import take_sample
from muniment.doctor.machine import KeyInUse, check_machine
from muniment.doctor.reach import (
    bad_settings,
    check_clock,
    check_key,
    check_network,
    check_proxy,
    check_steadiness,
    check_tls,
    first_page,
)
from muniment.errors import BadInput
from muniment.source.secrecy import Secrecy
from muniment.source.settings import Settings, check_url

__all__ = ["hasty", "visit"]

_TIMEOUT_S: Final = 10.0
_RETRY_S: Final = 3.0
_NOT_ASKED: Final = "the source could not be asked"
_ABOVE: Final = "Put the first failure above right, then run it again."
_ROLE: Final = "role"

Tell = Callable[[str], None]


def hasty(settings: Settings) -> Settings:
    """The same source, asked by somebody who has a minute."""
    return replace(
        settings,
        timeout_s=min(settings.timeout_s, _TIMEOUT_S),
        retry_s=min(settings.retry_s, _RETRY_S),
        connections=1,
    )


def visit(
    settings: Settings | BadInput,
    path: Path,
    home: Home,
    *,
    source: str = "",
    url: str | None = None,
    environ: Mapping[str, str] = os.environ,
    most_requests: int = MOST_REQUESTS,
    most_s: float = MOST_S,
    tell: Tell = lambda _: None,
) -> Report:
    """Examine everything; nothing is written anywhere.

    Args:
        settings: Where the source is, or why that is not known.
        path: Of the archive.
        home: Where signing keys live.
        source: Its name, as entries are sealed under.
        url: Of the source, as far as it is known without them.
        environ: Where proxies and certificates of authorities are named.
        most_requests: Requests altogether.
        most_s: Seconds for the source, altogether.
        tell: Told the name of each examination before it is made.
    """
    began = time.monotonic()
    if isinstance(settings, BadInput):
        seen = _unasked(settings, _shown(url))
    else:
        seen = _look(settings, environ, most_requests, most_s, tell)
    tell("archive")
    key = None if seen.tag is None else KeyInUse(source, seen.tag)
    checks = (*seen.checks, *check_machine(path, home, key))
    return Report(seen.url, checks, seen.requests, time.monotonic() - began)


class _Seen(NamedTuple):
    """What was seen of the source: its address, the checks, how many requests it took, and what tags its key."""

    url: str | None
    checks: Sequence[Check]
    requests: int = 0
    tag: Callable[[str], str] | None = None


def _unasked(error: BadInput, url: str | None) -> _Seen:
    return _Seen(url, [bad_settings(error), *_skipped(_NOT_ASKED)])


def _look(settings: Settings, environ: Mapping[str, str], most_requests: int, most_s: float, tell: Tell) -> _Seen:
    try:
        proxy = check_proxy(settings, environ)
        asking = Asking(hasty(settings), environ, most_requests=most_requests, most_s=most_s)
    except BadInput as error:
        return _unasked(error, settings.url)
    with asking:
        checks = [proxy, *_source(asking, environ, tell)]
        client = asking.client
        return _Seen(settings.url, _masked(checks, Secrecy(settings.api_key)), client.requests, client.key_tag)


def _source(asking: Asking, environ: Mapping[str, str], tell: Tell) -> Iterator[Check]:
    """Everything about the source; the key is judged last and shown before the assumptions."""
    tell("network")
    first = first_page(asking)
    yield check_network(asking, first)
    yield check_tls(asking.client.settings, environ, asking, first)
    examined = list(_assumptions(asking, first, tell))
    key = list(check_key(asking, first))
    yield from key
    yield from (check for check in examined if check.name == _ROLE and all(each.name != _ROLE for each in key))
    yield check_clock(first)
    yield check_steadiness(asking)
    yield from (check for check in examined if check.name != _ROLE)


def _assumptions(asking: Asking, first: Page | Refusal, tell: Tell) -> Iterator[Check]:
    if isinstance(first, Refusal):
        yield from _skipped(_NOT_ASKED)
        return
    try:
        sample = asking.drive(take_sample(first))
    except CannotSay as reason:
        yield from _skipped(reason.why)
        return
    unlike: set[str] = set()
    for name, examine, needs in EXAMINATIONS:
        tell(name)
        lacking = next((need for need in needs if need in unlike), None)
        if lacking is not None:
            finding = Finding("skipped", f"nothing can be concluded while {lacking} differs", _ABOVE)
        else:
            finding = asking.examine(examine(sample))
        if finding.result == "differs":
            unlike.add(name)
        yield Check(name, _about(name), finding)


def _skipped(why: str) -> Iterator[Check]:
    for name, *_ in EXAMINATIONS:
        yield Check(name, _about(name), Finding("skipped", why, _ABOVE))


def _masked(checks: Iterable[Check], secrecy: Secrecy) -> list[Check]:
    """The checks without the key, which the source may have said in place of anything."""
    findings = (
        (check, msgspec.structs.replace(check.finding, why=secrecy.mask(check.finding.why))) for check in checks
    )
    return [replace(check, finding=finding) for check, finding in findings]


def _shown(url: str | None) -> str | None:
    """The address in its usual spelling; None where it may hold what must not be shown."""
    try:
        return None if url is None else check_url(url)
    except BadInput:
        return None


def _about(name: str) -> About:
    return "source" if name == _ROLE else "assumption"

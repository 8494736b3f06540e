"""From here to the source: proxy, encryption, network, key, clock."""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from muniment.doctor.asking import Asking, sentence
from muniment.doctor.check import Check
from muniment.doctor.examinations.exam import Finding, Page, Refusal, Refused, ask_page
from muniment.errors import BadInput, Stopped
from muniment.source.handshake import Handshake, shake_hands
from muniment.source.route import choose_proxy
from muniment.source.settings import Settings

__all__ = [
    "bad_settings",
    "check_clock",
    "check_key",
    "check_network",
    "check_proxy",
    "check_steadiness",
    "check_tls",
    "first_page",
]

_UNREADABLE: Final = 3
_SOON: Final = dt.timedelta(days=14)
_OFF_S: Final = 60.0
_NOT_ASKED: Final = "Put the first failure above right, then run it again."
_LOCAL: Final = ("127.0.0.1", "localhost", "::1")
_REFUSED_KEY: Final = ("invalid_api_key", "access_denied")


def first_page(asking: Asking) -> Page | Refusal:
    """The first row of the log, or what came instead."""
    try:
        return asking.drive(ask_page())
    except Refused as refused:
        return refused.refusal


def check_proxy(settings: Settings, environ: Mapping[str, str]) -> Check:
    """Whether a proxy stands between.

    Raises:
        BadInput: One is named that cannot be used.
    """
    proxy = choose_proxy(settings.url, environ)
    why = "none: the source is asked directly" if proxy is None else f"{proxy.url}, as the environment says"
    return Check("proxy", "source", Finding("pass", why))


def check_tls(settings: Settings, environ: Mapping[str, str], asking: Asking, first: Page | Refusal) -> Check:
    """How the way is encrypted, and until when the certificate holds."""
    return Check("tls", "source", _look_at_tls(settings, environ, asking, first))


def _look_at_tls(settings: Settings, environ: Mapping[str, str], asking: Asking, first: Page | Refusal) -> Finding:
    url = urlsplit(settings.url)
    if url.scheme != "https":
        why = "not encrypted: whoever stands between reads the key"
        if url.hostname in _LOCAL:
            return Finding("skipped", "not encrypted, and on this machine", "Elsewhere use https.")
        return Finding("differs", why, "Use https, and change the key: it may have been read.")
    if isinstance(first, Refusal) and "certificate" in first.message:
        return Finding("fail", first.message, first.hint, _UNREADABLE)
    try:
        found = shake_hands(settings, environ, settings.timeout_s, asking.stop)
    except Stopped:
        found = None
    return Finding("skipped", "no connection came about", _NOT_ASKED) if found is None else _certificate(found)


def _certificate(found: Handshake) -> Finding:
    if found.ends_at is None:
        return Finding("pass", f"{found.version}, certificate by {found.issuer}")
    why = f"{found.version}, certificate by {found.issuer} until {found.ends_at:%Y-%m-%d}"
    if found.ends_at - dt.datetime.now(dt.UTC) < _SOON:
        return Finding("differs", why, "It ends soon. Nothing can be collected once it has, until it is renewed.")
    return Finding("pass", why)


def check_network(asking: Asking, first: Page | Refusal) -> Check:
    """Whether the source answers."""
    if isinstance(first, Refusal):
        if first.code in _REFUSED_KEY:
            return Check("network", "source", Finding("pass", f"the source answers: {first.status}"))
        return Check("network", "source", Finding("fail", first.message, first.hint, _UNREADABLE))
    return Check("network", "source", Finding("pass", f"an answer within {asking.latencies_s[0] * 1000:.0f} ms"))


def check_key(asking: Asking, first: Page | Refusal) -> Iterator[Check]:
    """Whether the key is known, and may read the log; asked once everything else was."""
    if isinstance(first, Refusal) and first.code not in _REFUSED_KEY:
        yield Check("key", "source", Finding("skipped", "no answer to try it on", _NOT_ASKED))
        return
    lost = asking.lost
    if lost is None or lost.code not in _REFUSED_KEY:
        yield Check("key", "source", Finding("pass", "the source knows it"))
        return
    when = "" if isinstance(first, Refusal) else f", after {asking.client.requests} requests"
    why = f"{sentence(lost)}{when}"
    if lost.code == "invalid_api_key":
        yield Check("key", "source", Finding("fail", why, lost.hint, _UNREADABLE))
        return
    yield Check("key", "source", Finding("pass", "the source knows it"))
    yield Check("role", "source", Finding("fail", f"it may not read the log: {why}", lost.hint, _UNREADABLE))


def check_clock(first: Page | Refusal) -> Check:
    """Whether the source's clock and ours agree."""
    return Check("clock", "source", _compare(first))


def _compare(first: Page | Refusal) -> Finding:
    if isinstance(first, Refusal):
        return Finding("skipped", "no answer to read a time from", _NOT_ASKED)
    if first.skew_s is None:
        why = "answers have no Date that can be read: the source's clock is not known"
        return Finding("differs", why, "By our clock alone it is judged which days are over; see that it is right.")
    ahead = "ahead of" if first.skew_s > 0 else "behind"
    if abs(first.skew_s) > _OFF_S:
        why = f"the source's clock is {abs(first.skew_s) / 60:.1f} minutes {ahead} ours"
        return Finding("differs", why, "A day is over once it is by both clocks. See that this machine's is right.")
    return Finding("pass", f"within {max(1.0, abs(first.skew_s)):.0f} s of ours")


def check_steadiness(asking: Asking) -> Check:
    """How often the same had to be asked again, and whether something came that ends a collection."""
    return Check("steadiness", "source", _steadiness(asking))


def _steadiness(asking: Asking) -> Finding:
    asked, again = asking.client.requests, asking.client.retries
    ended = asking.broken or asking.lost
    if ended is not None and ended.code not in _REFUSED_KEY:
        return Finding("fail", f"{sentence(ended)}: that ends a collection", ended.hint, _UNREADABLE)
    if asking.too_large:
        why = f"{asking.too_large} of {asked} answers were too large, cut off or too slow"
        hint = "Pages are halved until they come through; one entry that never does is a gap (exit 4)."
        return Finding("differs", why, hint)
    if again:
        why = f"{again} of {asked} requests had to be made again"
        return Finding("differs", why, "Collecting tries again too, and slows down; --max-rate bounds it.")
    return Finding("pass", f"{asked} {'request' if asked == 1 else 'requests'}, none made twice")


def bad_settings(error: BadInput, name: str = "settings") -> Check:
    """The address, the key or what the environment names cannot be used."""
    return Check(name, "source", Finding("fail", error.message, error.hint, error.exit_code))

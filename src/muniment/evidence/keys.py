"""Whose word a signature rests on: the keys an archive was signed with, and the ones that the verifier trusts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from muniment.archive.genesis import Genesis
from muniment.archive.home import Home
from muniment.archive.keychain import KeyChange, parse_change, verify_change
from muniment.archive.leaf import OWN_SOURCE, Leaf
from muniment.errors import ArchiveError, NotEvidence
from muniment.evidence.account import Telling
from muniment.evidence.verdict import Check, Problems, Trust
from muniment.merkle.note import Note, Verifier, parse_note

__all__ = ["KeyLink", "KeyRing", "Signed", "Trusted", "check_signature", "choose_ring", "keys_in_home", "walk_keys"]


@dataclass(frozen=True, slots=True)
class KeyLink:
    """A key of the archive."""

    verifier: Verifier
    leaf: int
    """The leaf that announced it; 0 is the first one's."""
    lost: str | None
    """Why the key before it could not sign the change; None where it did."""
    is_vouched: bool
    """Whether the key before it signed the change, and rightly."""


@dataclass(frozen=True, slots=True)
class Trusted:
    """Whom the verifier trusts, in the order in which it counts."""

    given: tuple[Verifier, ...] = ()
    enclosed: bool = False
    """Whether the archive's own word for its key is enough."""
    home: Home | None = None


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys that count in one verification."""

    trust: Trust
    """What they are worth, if there are any."""
    verifiers: tuple[Verifier, ...]


@dataclass(frozen=True, slots=True)
class Signed:
    """What is known of the checkpoint's signature."""

    check: Check
    trust: Trust


def walk_keys(genesis: Genesis, file: str, changes: Iterable[Telling], problems: Problems) -> list[KeyLink]:
    """The archive's keys, oldest first; what is wrong with one is a problem of the check ``keys``, and ends the chain.

    Args:
        genesis: What leaf 0 says.
        file: The path of the file that holds it.
        changes: The leaves of kind `key`, ascending.
        problems: Takes what is found.
    """
    chain: list[KeyLink] = []
    leaf = 0
    try:
        chain.append(KeyLink(Verifier.parse(genesis.vkey), 0, None, is_vouched=False))
        for telling in changes:
            leaf, file = telling.leaf, telling.file
            chain.append(_next_link(telling, genesis.origin, chain[-1], problems))
    except NotEvidence as error:
        problems.add("keys", file, error.message, leaf)
    except RecursionError:
        problems.add("keys", file, "a change of key does not say what it must: it is nested too deeply", leaf)
    return chain


def choose_ring(trusted: Trusted, chain: Sequence[KeyLink]) -> KeyRing:
    """The keys that count: those given, else the archive's own if its word is enough, else those in the home."""
    if trusted.given:
        return KeyRing("given-key", trusted.given)
    if trusted.enclosed:
        return KeyRing("enclosed-key", tuple(link.verifier for link in chain[-1:]))
    return KeyRing("home-key", () if trusted.home is None else keys_in_home(trusted.home, chain))


def keys_in_home(home: Home, chain: Sequence[KeyLink]) -> tuple[Verifier, ...]:
    """Those of the archive's keys whose private half is here."""
    return tuple(link.verifier for link in chain if _is_here(home, link.verifier))


def check_signature(note: bytes, chain: Sequence[KeyLink], ring: KeyRing) -> Signed:
    """Check every line of signature that a known key made, and that the one who must sign did.

    Args:
        note: The checkpoint's bytes.
        chain: The archive's keys, oldest first; none where leaf 0 cannot be read.
        ring: Whom to trust.
    """
    try:
        parsed = parse_note(note)
        signer = chain[-1].verifier if chain else _given_signer(parsed, ring)
        _demand_signature(parsed, signer, chain)
        through = _vouched_for(signer, chain, ring) if ring.verifiers else None
    except NotEvidence as error:
        return Signed(Check("signature", "fail", error.message), "none")
    others = _count_others(parsed, chain)
    if through is None:
        words = f"signed by the archive's own key {_short(signer)}, which nobody vouched for: give --vkey"
        return Signed(Check("signature", "skipped", words + others), "none")
    return Signed(Check("signature", "pass", through + others), ring.trust)


def _next_link(telling: Telling, origin: str, before: KeyLink, problems: Problems) -> KeyLink:
    change = parse_change(Leaf("key", OWN_SOURCE, "", None, telling.payload))
    faults = list(_faults_of(change, origin, telling.leaf, before))
    for what in faults:
        problems.add("keys", telling.file, what, telling.leaf)
    return KeyLink(Verifier.parse(change.new), telling.leaf, change.lost, is_vouched=not faults and change.lost is None)


def _faults_of(change: KeyChange, origin: str, leaf: int, before: KeyLink) -> Iterator[str]:
    try:
        verify_change(change, origin, leaf)
    except NotEvidence as error:
        yield error.message
    if change.old != before.verifier.vkey:
        yield f"it changes {change.old}, but the key was {before.verifier.vkey}"


def _is_here(home: Home, verifier: Verifier) -> bool:
    try:
        home.signer(verifier)
    except ArchiveError:  # not there, another's, or unreadable: a key that cannot be had vouches for nothing
        return False
    return True


def _given_signer(note: Note, ring: KeyRing) -> Verifier:
    """The trusted key that signed, where the archive itself does not say who must."""
    names = {(line.name, line.key_id) for line in note.unverified}
    for verifier in ring.verifiers:
        if (verifier.name, verifier.key_id) in names:
            return verifier
    raise NotEvidence("leaf 0 cannot be read, and no trusted key signed the checkpoint")


def _demand_signature(note: Note, signer: Verifier, chain: Sequence[KeyLink]) -> None:
    known = {(link.verifier.name, link.verifier.key_id): link.verifier for link in chain}
    known[signer.name, signer.key_id] = signer
    by: set[Verifier] = set()
    for line in note.unverified:
        verifier = known.get((line.name, line.key_id))
        if verifier is None:
            continue
        if not verifier.verify(note.text, line.raw):
            raise NotEvidence(f"the signature by {_short(verifier)} is wrong")
        by.add(verifier)
    if signer not in by:
        former = f"; {_short(by.pop())} signed it, which was replaced" if by else ""
        raise NotEvidence(f"it is not signed by {_short(signer)}, the archive's key{former}")


def _vouched_for(signer: Verifier, chain: Sequence[KeyLink], ring: KeyRing) -> str:
    """Words for how a trusted key leads to the one that signed.

    Raises:
        NotEvidence: None does.
    """
    whose = _WHOSE[ring.trust]
    if signer in ring.verifiers:
        return f"signed by {_short(signer)}, {whose}"
    for place in range(len(chain) - 2, -1, -1):
        following = chain[place + 1]
        if not following.is_vouched:
            break
        if chain[place].verifier in ring.verifiers:
            by = _short(chain[place].verifier)
            return f"signed by {_short(signer)}, announced since leaf {following.leaf} by {by}, {whose}"
    raise NotEvidence(_why_not(chain, ring, whose))


_WHOSE: dict[Trust, str] = {
    "given-key": "the key given",
    "home-key": "a key of MUNIMENT_HOME",
    "enclosed-key": "the key enclosed, which only its own archive vouches for",
    "none": "",
}


def _why_not(chain: Sequence[KeyLink], ring: KeyRing, whose: str) -> str:
    for before, following in pairwise(chain):
        if before.verifier in ring.verifiers:
            broken = next(link for link in chain if link.leaf >= following.leaf and not link.is_vouched)
            if broken.lost is None:
                return (
                    f"{_short(before.verifier)}, {whose}, did not rightly sign the change of key in leaf {broken.leaf}"
                )
            return (
                f"{_short(before.verifier)}, {whose}, is from before a key was lost: leaf {broken.leaf} says "
                f"{broken.lost!r}; ask out of band for the new vkey, and whether that is so"
            )
    given = ", ".join(_short(verifier) for verifier in ring.verifiers)
    return f"{given} is none of the archive's keys; it is signed by {_short(chain[-1].verifier)}"


def _count_others(note: Note, chain: Sequence[KeyLink]) -> str:
    known = {(link.verifier.name, link.verifier.key_id) for link in chain}
    others = sum((line.name, line.key_id) not in known for line in note.unverified) if chain else 0
    return f"; {others} further signatures by unknown keys are not checked" if others else ""


def _short(verifier: Verifier) -> str:
    return f"{verifier.name}+{verifier.key_id}"

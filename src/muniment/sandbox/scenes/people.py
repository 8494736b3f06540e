"""People come, go, forget, lose and change things."""

from collections import Counter
from collections.abc import Callable, Generator
from typing import Final

from muniment.sandbox.entries import entry, second_step, sign_in, sign_in_error, sign_out
from muniment.sandbox.organisation import Account, Person
from muniment.sandbox.shapes import Shape
from muniment.sandbox.stage import Act, Acts, Play

__all__ = [
    "changes_password",
    "edits_profile",
    "forgets_password",
    "goes_on_leave",
    "is_invited",
    "is_locked_out",
    "is_renamed",
    "joins",
    "leaves",
    "loses_phone",
    "rises",
    "sets_authenticator",
    "visits",
    "works_on_weekend",
]

_LEAST_STAFF: Final = 3  # of an account; beyond them, people may leave


def joins(play: Play, at: int) -> Acts:
    """Somebody new is invited, accepts the terms, sets a password and a second factor, and signs in."""
    account = play.dice.pick(play.accounts())
    person, at = yield from _invite(play, account, at)
    if person.sign_in == "CLIENT_AUTH_CERT":
        certificate = play.registry.certificate(person)
        yield at, entry(play.admin(account), "CREATE", certificate, f"Created {certificate.name}")
        play.organisation.add(certificate)
    at = play.at_work(person, at + play.wait(hours=18))
    yield at, entry(person, "TERMS_AND_CONDITIONS", person, f"{person.name} accepted the terms and conditions")
    if person.sign_in == "BASIC_AUTH":
        at += play.soon()
        yield at, entry(person, "UPDATE_PASSWORD", person, f"{person.name} set a first password")
    if person.mfa and person.sign_in == "BASIC_AUTH":
        at += play.soon()
        yield at, _new_totp(person)
    at += play.soon()
    yield at, sign_in(person)
    person.let_in(at)
    if person.mfa:
        yield at + play.dice.below(8), second_step(person)


def is_invited(play: Play, at: int) -> Acts:
    """Somebody new is invited and does not come, reminder or not."""
    by_password = [account for account in play.accounts() if account.sign_in == "BASIC_AUTH"]
    if not by_password:
        return
    person, at = yield from _invite(play, play.dice.pick(by_password), at)
    admin = play.admin(person.account)
    yield (
        play.at_work(admin, at + play.wait(days=3)),
        entry(admin, "SEND_RESET_PASSWORD", person, f"Reminded {person.name} to set a password"),
    )


def leaves(play: Play, at: int) -> Acts:
    """Somebody leaves: no more role, disabled, without tokens and certificates, and a while later deleted."""
    colleagues = Counter(person.account.id for person in play.organisation.staff())
    person = _somebody(play, lambda p: colleagues[p.account.id] > _LEAST_STAFF and play.is_free_to_go(p))
    if person is None:
        return
    belongings = play.bind_belongings(person)
    admin = play.admin(person.account)
    at = play.at_work(admin, at)
    for role in person.roles:
        yield at, entry(admin, "DELETE", play.role(person.account, role), f"Took role {role} from {person.name}")
        at += play.soon()
    person.roles.clear()
    yield at, entry(admin, "DISABLED", person, f"Disabled user {person.name}, who is leaving")
    person.shut_out(at)
    for thing in belongings:
        at += play.soon()
        yield at, entry(admin, "DELETE", thing, f"Deleted {thing.name}")
        play.organisation.drop(thing)
    at = play.at_work(admin, at + play.wait(days=2))
    yield at, entry(admin, "DELETE", person, f"Deleted user {person.name}")
    person.shut_out(at, "DELETED")
    play.organisation.drop(person)


def is_locked_out(play: Play, at: int) -> Acts:
    """Wrong passwords until the user is locked; an admin opens the door again."""
    person = _somebody(play, _has_password)
    if person is None:
        return
    at = play.at_work(person, at)
    for _ in range(5):
        yield at, sign_in_error(person, "wrong password")
        at += play.soon(3, 40)
    yield at, entry(person, "DISABLED", person, f"Locked {person.name} after 5 failed sign-ins")
    person.shut_out(at)
    admin = play.admin(person.account)
    at = play.at_work(admin, at + play.wait(hours=1))
    yield at, entry(admin, "ENABLED", person, f"Unlocked user {person.name}")
    yield from _resets(play, person, admin, at + play.soon())


def forgets_password(play: Play, at: int) -> Acts:
    """Somebody asks for a new password before it comes to a lock."""
    person = play.cast(play.organisation.staff(), _has_password)
    if person is None:
        return
    at = play.at_work(person, at)
    for _ in range(play.dice.between(1, 3)):
        yield at, sign_in_error(person, "wrong password")
        at += play.soon(3, 40)
    yield from _resets(play, person, person, at)


def changes_password(play: Play, at: int) -> Acts:
    """Somebody changes a password of their own accord."""
    person = play.cast(play.organisation.staff(), _has_password)
    if person is not None:
        yield play.at_work(person, at), entry(person, "UPDATE_PASSWORD", person, f"{person.name} changed the password")


def loses_phone(play: Play, at: int) -> Acts:
    """A second factor fails, is set anew by the admin's leave, and works."""
    person = _somebody(play, lambda p: p.mfa and p.sign_in == "BASIC_AUTH")
    if person is None:
        return
    at = play.at_work(person, at)
    yield at, sign_in(person)
    for _ in range(2):
        at += play.soon(10, 40)
        yield at, sign_in_error(person, "wrong one-time code", resource_type="BASIC_AUTH_MFA")
    admin = play.admin(person.account)
    at = play.at_work(admin, at + play.wait(hours=1))
    yield at, entry(admin, "UPDATE", person, f"Cleared the second factor of {person.name}")
    at = play.at_work(person, at + play.soon())
    yield at, _new_totp(person)
    at += play.soon()
    yield at, sign_in(person)
    yield at + play.dice.below(8), second_step(person)


def sets_authenticator(play: Play, at: int) -> Acts:
    """Somebody changes to another authenticator, or has the first one from now on."""
    person = play.cast(play.organisation.staff(), _has_password)
    if person is not None:
        at = play.at_work(person, at)
        yield at, _new_totp(person)
        person.mfa_since_s = min(person.mfa_since_s, at)


def rises(play: Play, at: int) -> Acts:
    """Somebody is given a role, and it is taken back some days later."""
    person = _somebody(play)
    if person is None:
        return
    admin, role = play.admin(person.account), play.role(person.account)
    if role.name in person.roles:
        return
    at = play.at_work(admin, at)
    yield at, entry(admin, "UPDATE", role, f"Gave role {role.name} to {person.name}")
    person.roles.append(role.name)
    at = play.at_work(admin, at + play.wait(days=4))
    yield at, entry(admin, "DELETE", role, f"Took role {role.name} from {person.name}")
    person.roles.remove(role.name)


def goes_on_leave(play: Play, at: int) -> Acts:
    """Somebody is away for long, and disabled meanwhile."""
    person = _somebody(play)
    if person is None:
        return
    admin = play.admin(person.account)
    at = play.at_work(admin, at)
    yield at, entry(admin, "DISABLED", person, f"Disabled user {person.name} for the time of a leave")
    person.shut_out(at)
    at = play.at_work(admin, at + play.wait(days=6))
    yield at, entry(admin, "ENABLED", person, f"Enabled user {person.name} after a leave")
    person.let_in(at)


def is_renamed(play: Play, at: int) -> Acts:
    """Somebody has another name from now on; the entries so far keep the old one."""
    person = _somebody(play, lambda p: p.account.user_names == "dotted" and not p.former_names)
    if person is None:
        return
    admin = play.admin(person.account)
    at = play.at_work(admin, at)
    name, last_name = play.registry.other_name(person)
    yield at, entry(admin, "UPDATE", person, f"Changed user name {person.name} to {name}")
    person.rename(at, name, last_name)


def edits_profile(play: Play, at: int) -> Acts:
    """Somebody corrects what is known of them."""
    person = _somebody(play)
    if person is not None:
        what = play.dice.pick(("telephone number", "language", "e-mail address"))
        yield play.at_work(person, at), entry(person, "UPDATE", person, f"{person.name} changed the {what}")


def works_on_weekend(play: Play, at: int) -> Acts:
    """Somebody on duty signs in when nobody else does."""
    person = _somebody(play)
    if person is None:
        return
    at = play.on_weekend(person, at)
    yield at, sign_in(person)
    if person.mfa:
        yield at + play.dice.below(8), second_step(person)
    yield at + play.soon(300, 5400), sign_out(person)


def visits(play: Play, at: int) -> Acts:
    """Somebody whose working hours it is signs in at once, and out later."""
    person = play.cast(play.organisation.staff(), lambda p: play.is_at_work(p, at))
    if person is None:
        return
    if play.dice.percent(8):
        yield at, sign_in_error(person, "wrong password", resource_type="BASIC_AUTH")
        at += play.soon(5, 20)
    yield at, sign_in(person)
    if person.mfa:
        yield at + play.dice.below(3), second_step(person)
    yield at + play.soon(60, 3600), sign_out(person)


def _somebody(play: Play, fits: Callable[[Person], bool] = lambda _: True) -> Person | None:
    """One of the staff; never an admin, so that somebody is always there to help."""
    return play.cast(play.organisation.staff(), lambda person: not person.is_admin and fits(person))


def _has_password(person: Person) -> bool:
    return person.sign_in == "BASIC_AUTH"


def _new_totp(person: Person) -> Shape:
    what = f"{person.name} set up an authenticator application"
    return entry(person, "UPDATE_TOTP", person, what, resource_type="BASIC_AUTH_MFA")


def _invite(play: Play, account: Account, at: int) -> Generator[Act, None, tuple[Person, int]]:
    """An admin makes a user, who gets a role and a message; returns the user and when that was done."""
    admin = play.admin(account)
    at = play.at_work(admin, at)
    person = play.registry.person(account, at, admin.id)
    play.bind(person)
    yield at, entry(admin, "CREATE", person, f"Created user {person.name}")
    person.shut_out(at, "PENDING")
    play.organisation.add(person)
    at += play.soon()
    yield (
        at,
        entry(admin, "CREATE", play.role(account, person.roles[0]), f"Gave role {person.roles[0]} to {person.name}"),
    )
    if _has_password(person):
        at += play.soon()
        yield at, entry(admin, "SEND_RESET_PASSWORD", person, f"Sent {person.name} a link to set a password")
    return person, at


def _resets(play: Play, person: Person, by: Person, at: int) -> Acts:
    """A link is sent, the password changed, and the new one works."""
    yield at, entry(by, "SEND_RESET_PASSWORD", person, f"Sent {person.name} a link to reset the password")
    at = play.at_work(person, at + play.soon(60, 900))
    yield at, entry(person, "UPDATE_PASSWORD", person, f"{person.name} changed the password")
    at += play.soon()
    yield at, sign_in(person)
    person.let_in(at)
    if person.mfa:
        yield at + play.dice.below(8), second_step(person)

"""Somebody tries what they must not, and sometimes it works."""

from muniment.sandbox.entries import entry, second_step, sign_in, sign_in_error
from muniment.sandbox.stage import Acts, Play

__all__ = ["intruder_gets_in", "is_attacked_at_night", "is_refused", "passwords_are_sprayed"]


def is_refused(play: Play, at: int) -> Acts:
    """Somebody tries what only admins may."""
    person = play.cast(play.organisation.staff(), lambda p: not p.is_admin)
    if person is None:
        return
    at = play.at_work(person, at)
    role = play.role(person.account)
    yield at, entry(person, "UPDATE", role, f"{person.name} may not give roles", failed=True)
    at += play.soon()
    account = person.account
    yield at, entry(person, "UPDATE", account, f"{person.name} may not change {account.name}", failed=True)


def is_attacked_at_night(play: Play, at: int) -> Acts:
    """Wrong passwords while the owner sleeps; the user is locked, and stays so for weeks."""
    person = play.cast(play.organisation.staff(), lambda p: not p.is_admin and p.sign_in == "BASIC_AUTH")
    if person is None:
        return
    at = play.at_night(person, at)
    for _ in range(5):
        yield at, sign_in_error(person, "wrong password")
        at += play.soon(1, 4)
    yield at, entry(person, "DISABLED", person, f"Locked {person.name} after 5 failed sign-ins")
    person.shut_out(at)
    admin = play.admin(person.account)
    at = play.at_work(admin, at + play.wait(days=25))
    yield at, entry(admin, "ENABLED", person, f"Unlocked user {person.name}")
    person.let_in(at)


def passwords_are_sprayed(play: Play, at: int) -> Acts:
    """One password is tried on many users at once, so that none is locked."""
    account = play.dice.pick(play.accounts())
    victims = play.dice.shuffled([p for p in play.organisation.staff() if p.account is account or p.mfa])
    at = play.at_night(play.admin(account), at)
    for person in victims[:12]:
        yield at, sign_in_error(person, "wrong password", resource_type="BASIC_AUTH")
        at += play.dice.below(3)


def intruder_gets_in(play: Play, at: int) -> Acts:
    """A password is guessed at night and a token made with it; in the morning all is undone."""
    person = play.cast(play.organisation.staff(), lambda p: not p.is_admin and p.sign_in == "BASIC_AUTH" and not p.mfa)
    if person is None:
        return
    at = play.at_night(person, at)
    for _ in range(4):
        yield at, sign_in_error(person, "wrong password")
        at += play.soon(2, 20)
    yield at, sign_in(person)
    token = play.registry.token(person)
    at += play.soon(20, 60)
    yield at, entry(person, "CREATE", token, f"Created API token {token.name}")
    admin = play.admin(person.account)
    at = play.at_work(admin, at)
    yield at, entry(admin, "DISABLED", person, f"Disabled user {person.name} on suspicion")
    person.shut_out(at)
    at += play.soon()
    yield at, entry(admin, "DELETE", token, f"Deleted API token {token.name}")
    at += play.soon(600, 3600)
    yield at, entry(admin, "ENABLED", person, f"Enabled user {person.name}")
    at += play.soon()
    yield at, entry(admin, "SEND_RESET_PASSWORD", person, f"Sent {person.name} a link to reset the password")
    at = play.at_work(person, at)
    yield at, entry(person, "UPDATE_PASSWORD", person, f"{person.name} changed the password")
    person.mfa_since_s = at
    at += play.soon()
    what = f"{person.name} set up an authenticator application"
    yield at, entry(person, "UPDATE_TOTP", person, what, resource_type="BASIC_AUTH_MFA")
    at += play.soon()
    yield at, sign_in(person)
    person.let_in(at)
    yield at, second_step(person)

"""API tokens, client certificates and service users are made, warned about, renewed, forgotten and removed."""

from typing import Final

from muniment.sandbox.entries import entry, second_step, sign_in, sign_in_error, sign_out
from muniment.sandbox.organisation import MFA_OF, Person, Thing, date_at
from muniment.sandbox.stage import Acts, Play, warn

__all__ = [
    "certificate_is_renewed",
    "certificate_needs_second_factor",
    "device_has_old_secret",
    "service_begins",
    "service_calls",
    "service_ends",
    "service_is_prolonged",
    "token_is_forgotten",
    "token_is_made",
    "token_is_rotated",
    "token_is_suspended",
]

_WARNING_OF_TOKEN: Final = "API_ACCESS_TOKEN_EXPIRY_EMAIL_SENT"  # noqa: S105 - an action of the log
_WARNING_OF_CERTIFICATE: Final = "CLIENT_AUTH_CERT_EXPIRY_EMAIL_SENT"
_WARNING_OF_SERVICE: Final = "SERVICE_USER_EXPIRY_EMAIL_SENT"


def token_is_made(play: Play, at: int) -> Acts:
    """Somebody makes a token for their own use."""
    owner = play.cast(play.organisation.staff())
    if owner is None:
        return
    token = play.registry.token(owner)
    at = play.at_work(owner, at)
    yield at, entry(owner, "CREATE", token, f"Created API token {token.name}")
    play.organisation.add(token)


def token_is_rotated(play: Play, at: int) -> Acts:
    """Warned about three times, a token is replaced, and the old one deleted."""
    token = play.cast(play.things("APIKEY"))
    if token is None:
        return
    at = yield from warn(play, token, _WARNING_OF_TOKEN, at, (14, 7, 1))
    yield from _replace(play, token, at)


def token_is_forgotten(play: Play, at: int) -> Acts:
    """Nobody reads the warnings; the token is disabled, and the new one comes late."""
    token = play.cast(play.things("APIKEY"))
    if token is None:
        return
    at = yield from warn(play, token, _WARNING_OF_TOKEN, at, (7, 1))
    at += play.wait(days=1)
    yield at, entry(None, "DISABLED", token, f"API token {token.name} expired")
    yield from _replace(play, token, at)


def token_is_suspended(play: Play, at: int) -> Acts:
    """A token is switched off in doubt, and on again."""
    token = play.cast(play.things("APIKEY"))
    if token is None:
        return
    admin = play.admin(token.account)
    at = play.at_work(admin, at)
    yield at, entry(admin, "DISABLED", token, f"Disabled API token {token.name}")
    at = play.at_work(admin, at + play.wait(hours=4))
    yield at, entry(admin, "ENABLED", token, f"Enabled API token {token.name}")


def certificate_is_renewed(play: Play, at: int) -> Acts:
    """Warned about twice, a client certificate is replaced."""
    certificate = play.cast(play.things("CLIENT_AUTH_CERT"))
    if certificate is None:
        return
    at = yield from warn(play, certificate, _WARNING_OF_CERTIFICATE, at, (14, 3))
    yield from _replace(play, certificate, at)


def certificate_needs_second_factor(play: Play, at: int) -> Acts:
    """Somebody signs in by certificate, fails the second step once and then passes it."""
    person = play.cast(play.organisation.staff(), lambda p: p.mfa and p.sign_in == "CLIENT_AUTH_CERT")
    if person is None:
        return
    at = play.at_work(person, at)
    yield at, sign_in(person)
    at += play.soon()
    yield at, sign_in_error(person, "wrong one-time code", resource_type=MFA_OF[person.sign_in])
    at += play.soon()
    yield at, second_step(person)
    yield at + play.soon(300, 5400), sign_out(person)


def device_has_old_secret(play: Play, at: int) -> Acts:
    """A service fails with an outdated secret until somebody corrects it."""
    service = play.cast(play.organisation.services(), lambda p: p.sign_in == "DIGEST_AUTH")
    if service is None:
        return
    for _ in range(3):
        yield at, sign_in_error(service, "digest does not match")
        at += 300
    admin = play.admin(service.account)
    at = play.at_work(admin, at)
    yield at, entry(admin, "UPDATE", service, f"Changed the secret of service user {service.name}")
    yield at + play.soon(), sign_in(service)


def service_begins(play: Play, at: int) -> Acts:
    """A service user is made, with a role, a token and, where it needs one, a certificate."""
    account = play.dice.pick(play.accounts())
    admin = play.admin(account)
    at = play.at_work(admin, at)
    service = play.registry.service(account, at, admin.id)
    play.bind(service)
    yield at, entry(admin, "CREATE", service, f"Created service user {service.name}")
    play.organisation.add(service)
    at += play.soon()
    role = play.role(account, service.roles[0])
    yield at, entry(admin, "CREATE", role, f"Gave role {role.name} to {service.name}")
    yield from _equip(play, service, admin, at)


def service_is_prolonged(play: Play, at: int) -> Acts:
    """Warned about twice, a service user gets another end date."""
    service = play.cast(play.organisation.services())
    if service is None:
        return
    at = yield from warn(play, service, _WARNING_OF_SERVICE, at, (14, 3))
    admin = play.admin(service.account)
    at = play.at_work(admin, at + play.wait(hours=20))
    until = date_at(at).replace(day=1).replace(year=date_at(at).year + 1)
    yield at, entry(admin, "UPDATE", service, f"Prolonged service user {service.name} until {until}")


def service_calls(play: Play, at: int) -> Acts:
    """A service signs in at once."""
    yield at, sign_in(play.dice.pick(list(play.organisation.services())))


def service_ends(play: Play, at: int) -> Acts:
    """A service user is no longer needed: warned about, disabled, stripped and deleted."""
    service = play.cast(play.organisation.services(), lambda p: _spare(play, p))
    if service is None:
        return
    belongings = play.bind_belongings(service)
    at = yield from warn(play, service, _WARNING_OF_SERVICE, at, (3,))
    admin = play.admin(service.account)
    at = play.at_work(admin, at + play.wait(days=1))
    yield at, entry(admin, "DISABLED", service, f"Disabled service user {service.name}")
    service.shut_out(at)
    for thing in belongings:
        at += play.soon()
        yield at, entry(admin, "DELETE", thing, f"Deleted {thing.name}")
        play.organisation.drop(thing)
    at += play.soon()
    yield at, entry(admin, "DELETE", service, f"Deleted service user {service.name}")
    service.shut_out(at, "DELETED")
    play.organisation.drop(service)


def _replace(play: Play, old: Thing, at: int) -> Acts:
    """A token or certificate is followed by a new one, then deleted: by its owner or, for services, by an admin."""
    owner = old.owner
    if owner is None:
        return
    by = play.admin(owner.account) if owner.service or owner.status != "ACTIVE" else owner
    new = play.registry.token(owner) if old.resource_type == "APIKEY" else play.registry.certificate(owner)
    at = play.at_work(by, at + play.soon(600, 7200))
    yield at, entry(by, "CREATE", new, f"Created {new.name} to follow {old.name}")
    play.organisation.add(new)
    at = play.at_work(by, at + play.wait(hours=20))
    yield at, entry(by, "DELETE", old, f"Deleted {old.name}, followed by {new.name}")
    play.organisation.drop(old)


def _equip(play: Play, service: Person, admin: Person, at: int) -> Acts:
    things = [play.registry.token(service)]
    if service.sign_in == "CLIENT_AUTH_CERT":
        things.append(play.registry.certificate(service))
    for thing in things:
        at += play.soon()
        yield at, entry(admin, "CREATE", thing, f"Created {thing.name}")
        play.organisation.add(thing)
    yield at + play.soon(60, 600), sign_in(service)


def _spare(play: Play, service: Person) -> bool:
    """Whether others sign in the same way, as some always must."""
    alike = [other for other in play.organisation.services() if other.sign_in == service.sign_in]
    return len(alike) > 2 and play.is_free_to_go(service)

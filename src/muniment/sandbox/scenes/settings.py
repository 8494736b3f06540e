"""Sign-in configuration, OAuth clients, licences, features and accounts change."""

import datetime as dt
from typing import Final

from muniment.sandbox.entries import entry, second_step, sign_in, sign_in_error, sign_out
from muniment.sandbox.names import FEATURES
from muniment.sandbox.organisation import FOREVER, MFA_OF, Person, date_at
from muniment.sandbox.stage import Acts, Play, warn

__all__ = [
    "account_closes",
    "account_is_edited",
    "account_is_prolonged",
    "feature_is_tried",
    "licences_run_low",
    "oauth_client_comes_and_goes",
    "oauth_is_adjusted",
    "openid_secret_is_renewed",
    "saml_certificate_is_replaced",
    "single_sign_on_is_added",
]

_LASTING: Final = 4  # the accounts behind these may close


def saml_certificate_is_replaced(play: Play, at: int) -> Acts:
    """A wrong certificate is put in first: nobody gets in until it is corrected."""
    config = play.cast(play.things("SAML2_CONFIG"))
    if config is None:
        return
    at = yield from warn(play, config, "SAML_IDP_CERT_EXPIRY_EMAIL_SENT", at, (14, 3))
    admin = play.admin(config.account)
    at = play.at_work(admin, at + play.soon(600, 7200))
    yield at, entry(admin, "UPDATE", config, f"Replaced the certificate of {config.name}")
    victims = [person for person in play.organisation.staff(config.account) if person.sign_in == "SSO_SAML"]
    for person in play.dice.shuffled(victims)[:4]:
        at += play.soon(20, 200)
        yield at, sign_in_error(person, "signature of the assertion is not valid")
    at += play.soon(300, 900)
    yield at, entry(admin, "UPDATE", config, f"Corrected the certificate of {config.name}")
    yield from _try_out(play, admin, at + play.soon())


def openid_secret_is_renewed(play: Play, at: int) -> Acts:
    """The secret of an OpenID provider is renewed, and tried out."""
    config = play.cast(play.things("OIDC_CONFIG"))
    if config is None:
        return
    admin = play.admin(config.account)
    at = play.at_work(admin, at)
    yield at, entry(admin, "UPDATE", config, f"Renewed the client secret of {config.name}")
    at += play.soon()
    yield at, sign_in_error(admin, "the provider refused the code", resource_type="SSO_OIDC")
    yield from _try_out(play, admin, at + play.soon(60, 600))


def single_sign_on_is_added(play: Play, at: int) -> Acts:
    """An account gets one more identity provider, which is switched on when it works."""
    account = play.dice.pick(play.accounts())
    kind, words = play.dice.pick((("SAML2_CONFIG", "test identity provider"), ("OIDC_CONFIG", "test OpenID provider")))
    config, admin = play.registry.thing(kind, f"{account.domain} {words}", account), play.admin(account)
    at = play.at_work(admin, at)
    yield at, entry(admin, "CREATE", config, f"Created {config.name}")
    at += play.soon(60, 600)
    yield at, entry(admin, "ENABLED", config, f"Enabled {config.name}")
    at = play.at_work(admin, at + play.wait(days=2))
    yield at, entry(admin, "DISABLED", config, f"Disabled {config.name}")
    yield at + play.soon(), entry(admin, "DELETE", config, f"Deleted {config.name}")


def oauth_client_comes_and_goes(play: Play, at: int) -> Acts:
    """An integration is tried for some days."""
    account = play.dice.pick(play.accounts())
    admin = play.admin(account)
    client = play.registry.client(account)
    at = play.at_work(admin, at)
    yield at, entry(admin, "CREATE", client, f"Created OAuth client {client.name}")
    play.organisation.add(client)
    at += play.soon(60, 600)
    yield at, entry(admin, "UPDATE", client, f"Renewed the secret of OAuth client {client.name}")
    if play.dice.percent(40):
        return
    at = play.at_work(admin, at + play.wait(days=5))
    yield at, entry(admin, "DELETE", client, f"Deleted OAuth client {client.name}")
    play.organisation.drop(client)


def oauth_is_adjusted(play: Play, at: int) -> Acts:
    """How long OAuth tokens live is changed."""
    config = play.cast(play.things("OAUTH_CONFIG"))
    if config is None:
        return
    admin = play.admin(config.account)
    minutes = play.dice.pick((15, 30, 60))
    yield (
        play.at_work(admin, at),
        entry(admin, "UPDATE", config, f"Set the lifetime of access tokens in {config.name} to {minutes} minutes"),
    )


def licences_run_low(play: Play, at: int) -> Acts:
    """A warning goes out, and more licences are registered."""
    licence = play.cast(play.things("LICENSE"))
    if licence is None:
        return
    at = play.nightly(at)
    left = play.dice.between(3, 10)
    yield (
        at,
        entry(None, "LOW_LICENSE_WARNING_SENT", licence, f"Sent a warning that {left} % of {licence.name} are left"),
    )
    admin = play.admin(licence.account)
    at = play.at_work(admin, at + play.wait(days=1))
    more = play.dice.between(1, 20) * 50
    yield at, entry(admin, "LICENSE_REGISTERED", licence, f"Registered {more} more {licence.name}")


def feature_is_tried(play: Play, at: int) -> Acts:
    """A feature is switched on and, not always, off again."""
    account = play.dice.pick(play.accounts())
    admin, feature = play.admin(account), play.dice.pick(FEATURES)
    at = play.at_work(admin, at)
    yield at, entry(admin, "FEATURE_ENABLED", account, f"Enabled {feature} for {account.name}")
    at = play.at_work(admin, at + play.wait(days=4))
    yield at, entry(admin, "FEATURE_DISABLED", account, f"Disabled {feature} for {account.name}")


def account_is_edited(play: Play, at: int) -> Acts:
    """A setting of an account is changed."""
    account = play.dice.pick(play.accounts())
    admin = play.admin(account)
    what = play.dice.pick(("session time-out", "password rules", "notification addresses", "second factor policy"))
    yield play.at_work(admin, at), entry(admin, "UPDATE", account, f"Changed the {what} of {account.name}")


def account_is_prolonged(play: Play, at: int) -> Acts:
    """Near its end an account is warned about, and prolonged by a year."""
    account = play.cast(play.accounts()[:_LASTING])
    if account is None:
        return
    account.service_to = max(account.service_from, date_at(at + play.wait(days=16)))
    at = yield from warn(play, account, "ACCOUNT_EXPIRY_EMAIL_SENT", at, (14, 7))
    admin = play.admin(account)
    at = play.at_work(admin, at + play.wait(days=1))
    yield at, entry(admin, "UPDATE", account, f"Prolonged the service period of {account.name} by a year")
    account.service_to += dt.timedelta(days=365)


def account_closes(play: Play, at: int) -> Acts:
    """Warned about and not prolonged, an account ends; nobody of it signs in any more."""
    account = play.cast(play.accounts()[_LASTING:])
    if account is None:
        return
    account.service_to = max(account.service_from, date_at(at + play.wait(days=8)))
    at = yield from warn(play, account, "ACCOUNT_EXPIRY_EMAIL_SENT", at, (7, 1))
    at += play.wait(days=1)
    yield at, entry(None, "DISABLED", account, f"The service period of {account.name} ended")
    account.active, account.service_to = False, date_at(at) - dt.timedelta(days=1)
    for person in play.organisation.people.values():
        if person.account is account:
            person.away.append((at, FOREVER))


def _try_out(play: Play, person: Person, at: int) -> Acts:
    yield at, sign_in(person)
    at += play.dice.below(8)
    if person.sign_in in MFA_OF:
        yield at, second_step(person)
    yield at + play.soon(60, 900), sign_out(person)

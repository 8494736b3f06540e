"""Which scenes are played, how often, and when they begin."""

from typing import Final, NamedTuple

from muniment.sandbox.dice import Dice
from muniment.sandbox.scenes import attacks, credentials, people, settings
from muniment.sandbox.stage import Scene

__all__ = ["BRINGS", "ONCE_EACH", "PROGRAMME", "Item", "Opening", "choose"]


class Item(NamedTuple):
    """A scene, the most entries that it can have, and how common it is."""

    scene: Scene
    cost: int
    weight: int


class Opening(NamedTuple):
    """A scene and when it begins, in seconds since 1970."""

    at: int
    scene: Scene


PROGRAMME: Final = (
    Item(people.joins, 8, 3),
    Item(people.leaves, 9, 2),
    Item(people.is_locked_out, 11, 6),
    Item(credentials.token_is_rotated, 5, 8),
    Item(settings.saml_certificate_is_replaced, 11, 1),
    Item(settings.openid_secret_is_renewed, 5, 1),
    Item(credentials.certificate_is_renewed, 4, 6),
    Item(credentials.certificate_needs_second_factor, 4, 6),
    Item(credentials.service_begins, 5, 2),
    Item(credentials.service_is_prolonged, 3, 3),
    Item(settings.licences_run_low, 2, 4),
    Item(settings.feature_is_tried, 2, 4),
    Item(settings.account_closes, 3, 0),
    Item(settings.account_is_prolonged, 3, 1),
    Item(settings.oauth_client_comes_and_goes, 3, 3),
    Item(settings.oauth_is_adjusted, 1, 2),
    Item(credentials.device_has_old_secret, 5, 2),
    Item(people.loses_phone, 7, 4),
    Item(people.forgets_password, 7, 10),
    Item(people.changes_password, 1, 20),
    Item(people.sets_authenticator, 1, 6),
    Item(people.rises, 2, 6),
    Item(attacks.is_attacked_at_night, 7, 1),
    Item(attacks.is_refused, 2, 4),
    Item(people.is_invited, 4, 1),
    Item(credentials.service_ends, 7, 1),
    Item(credentials.token_is_made, 1, 6),
    Item(credentials.token_is_forgotten, 5, 2),
    Item(credentials.token_is_suspended, 2, 2),
    Item(settings.single_sign_on_is_added, 4, 1),
    Item(settings.account_is_edited, 1, 4),
    Item(people.is_renamed, 1, 1),
    Item(people.edits_profile, 1, 12),
    Item(people.goes_on_leave, 2, 2),
    Item(people.works_on_weekend, 3, 6),
    Item(attacks.passwords_are_sprayed, 12, 1),
    Item(attacks.intruder_gets_in, 14, 1),
)
"""In the order of what a short log must not lack."""

ONCE_EACH: Final = sum(item.cost for item in PROGRAMME)
"""Entries, at most, of every scene played once."""

BRINGS: Final = {
    "CREATE": credentials.service_begins,
    "UPDATE": settings.account_is_edited,
    "DELETE": credentials.token_is_rotated,
    "LOGIN": people.works_on_weekend,
    "LOGOUT": people.works_on_weekend,
    "LOGIN_ERROR": people.forgets_password,
    "UPDATE_PASSWORD": people.changes_password,
    "UPDATE_TOTP": people.sets_authenticator,
    "DISABLED": credentials.token_is_suspended,
    "ENABLED": credentials.token_is_suspended,
    "SEND_RESET_PASSWORD": people.forgets_password,
    "TERMS_AND_CONDITIONS": people.joins,
    "LICENSE_REGISTERED": settings.licences_run_low,
    "FEATURE_ENABLED": settings.feature_is_tried,
    "FEATURE_DISABLED": settings.feature_is_tried,
    "LOW_LICENSE_WARNING_SENT": settings.licences_run_low,
    "ACCOUNT_EXPIRY_EMAIL_SENT": settings.account_is_prolonged,
    "API_ACCESS_TOKEN_EXPIRY_EMAIL_SENT": credentials.token_is_rotated,
    "CLIENT_AUTH_CERT_EXPIRY_EMAIL_SENT": credentials.certificate_is_renewed,
    "SERVICE_USER_EXPIRY_EMAIL_SENT": credentials.service_is_prolonged,
    "SAML_IDP_CERT_EXPIRY_EMAIL_SENT": settings.saml_certificate_is_replaced,
    "ACCOUNT": settings.account_is_edited,
    "USER": people.edits_profile,
    "SERVICE_USER": credentials.service_begins,
    "APIKEY": credentials.token_is_made,
    "CLIENT_AUTH_CERT": credentials.certificate_is_renewed,
    "SAML2_CONFIG": settings.saml_certificate_is_replaced,
    "OIDC_CONFIG": settings.openid_secret_is_renewed,
    "SSO_SAML": settings.saml_certificate_is_replaced,
    "SSO_OIDC": settings.openid_secret_is_renewed,
    "OAUTH_CLIENT": settings.oauth_client_comes_and_goes,
    "OAUTH_CONFIG": settings.oauth_is_adjusted,
    "LICENSE": settings.licences_run_low,
    "ROLE": people.rises,
    "BASIC_AUTH": people.forgets_password,
    "DIGEST_AUTH": credentials.device_has_old_secret,
    "BASIC_AUTH_MFA": people.loses_phone,
    "SSO_SAML_MFA": settings.saml_certificate_is_replaced,
    "CLIENT_AUTH_CERT_MFA": credentials.certificate_needs_second_factor,
    "SSO_OIDC_MFA": settings.openid_secret_is_renewed,
}
"""For every action and resource type a scene that has it for sure."""


def choose(dice: Dice, entries: int, start_s: int, end_s: int) -> list[Opening]:
    """Scenes that have this many entries at most, by when they begin.

    Each is played once as long as there is room, early enough to end within the log; then the common ones again.
    """
    span_s, room, openings = end_s - start_s, entries, []
    for item in PROGRAMME:
        if item.cost <= room:
            room -= item.cost
            openings.append(Opening(start_s + dice.below(span_s * 2 // 5), item.scene))
    again = [item for item in PROGRAMME for _ in range(item.weight)]
    while room >= max(item.cost for item in PROGRAMME):
        item = dice.pick(again)
        room -= item.cost
        openings.append(Opening(start_s + dice.below(span_s), item.scene))
    return sorted(openings, key=lambda opening: opening.at)

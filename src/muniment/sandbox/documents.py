"""What the two lookups answer: every member that the tutorial shows or names."""

import datetime as dt
from typing import Any, Final

from muniment.sandbox.organisation import Account, Organisation, Person
from muniment.sandbox.shapes import encode

__all__ = ["account_document", "user_document"]

_TRUST_LIFECYCLE: Final = ("360348d9-1c3a-49fa-b82d-109ec552fd9f", "Trust Lifecycle")
_IOT_TRUST: Final = ("c46187a2-243b-41a9-aedc-0518ab1b6cf6", "IoT Trust")
_DOCUMENT_TRUST: Final = ("7e919d8a-07b2-44ee-96a0-9c2e1455e469", "Document Trust")
_ACCOUNT_MANAGER: Final = ("6510a754-e47b-48c5-88cb-1cd677e801ce", "Account Manager")
_CA_MANAGER: Final = ("e70323fa-6014-42f3-a669-22645606d1fd", "CA Manager")
_SOFTWARE_TRUST: Final = ("a7081787-1dd8-492a-9c90-26ef079a7eb1", "Software Trust")
"""Products as in the tutorial, step 4."""

_PERMISSIONS: Final = {
    "AM_ACCOUNT_ADMIN": (_ACCOUNT_MANAGER, ("MANAGE_AM_ACCOUNT", "VIEW_AM_AUDIT_LOG")),
    "AM_USER_MANAGER": (_ACCOUNT_MANAGER, ("MANAGE_AM_USER", "VIEW_AM_AUDIT_LOG")),
    "AM_VIEW_ONLY": (_ACCOUNT_MANAGER, ("VIEW_AM_AUDIT_LOG",)),
    "TLM_OPERATOR": (
        _TRUST_LIFECYCLE,
        ("VIEW_EM_SEAT", "VIEW_EM_AUDIT_LOG", "VIEW_EM_CERTIFICATE", "VIEW_EM_PROFILE"),
    ),
    "STM_SIGNER": (_SOFTWARE_TRUST, ("MANAGE_SM_CERTIFICATE_PROFILE", "VIEW_SM_CERTIFICATE", "SIGN_SM_HASH")),
    "DSM_SEALER": (
        _DOCUMENT_TRUST,
        (
            "MANAGE_DSM_VIEW_CERTIFICATE_PROFILES",
            "MANAGE_DSM_ADD_VALIDATIONS",
            "MANAGE_DSM_VIEW_CERTIFICATE_TEMPLATES",
            "MANAGE_DSM_VIEW_VALIDATIONS",
        ),
    ),
    "IOT_OPERATOR": (_IOT_TRUST, ("VIEW_IOT_CERTIFICATE", "VIEW_IOT_ENROLLMENT_PROFILE")),
}
"""Permissions as in the tutorial, step 4, except MANAGE_AM_USER (assumed)."""

_SIGN_IN_METHODS: Final = {"SSO_SAML": "saml", "SSO_OIDC": "oidc"}


def user_document(person: Person) -> bytes:
    """The answer of ``GET /account/api/v1/user/{user_id}``.

    Which members a service user lacks is not known; here it has all, some of them empty (assumed).
    """
    document = {
        "id": person.id,
        "user_name": person.name,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "phone": person.phone,
        "status": person.status,
        "access_scope": "account",
        "primary_account_id": person.account.id,
        "created_at": f"{dt.datetime.fromtimestamp(person.created_s, dt.UTC):%Y-%m-%dT%H:%M:%SZ}",
        "created_by": person.created_by,
        "user_type": "service" if person.service else "standard",
        "friendly_name": person.friendly_name,
        "description": person.description,
        "locale": person.locale,
        "applications": _applications(person.roles),
        "accounts": [_account_of_user(account) for account in (person.account, *person.also_in)],
    }
    return encode(document).encode()


def account_document(account: Account, organisation: Organisation) -> bytes:
    """The answer of ``GET /account/api/v1/account/{account_id}``.

    The tutorial names ``auth_config`` and shows no value; its members here are invented (assumed).
    """
    document = {
        **_account_of_user(account),
        "admins": [
            {"id": admin.id, "name": admin.friendly_name, "email": admin.email}
            for admin in organisation.admins(account)
        ],
        "auth_config": {"mfa_required": account.sign_in == "BASIC_AUTH", "session_timeout_minutes": 30},
        "sign_in_methods": _sign_in_methods(account),
        "oauth_clients": [
            {"id": client.id, "name": client.name}
            for client in organisation.things_of("OAUTH_CLIENT")
            if client.account is account
        ],
    }
    document["locale"] = document.pop("locale")  # last, as in the tutorial
    return encode(document).encode()


def _account_of_user(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "active": account.active,
        "service_period": {"from": f"{account.service_from}", "to": f"{account.service_to}"},
        "friendly_identifier": account.friendly_identifier,
        "locale": account.locale,
    }


def _applications(roles: list[str]) -> list[dict[str, Any]]:
    held: dict[tuple[str, str], list[str]] = {}
    for role in roles:
        product, permissions = _PERMISSIONS[role]
        held.setdefault(product, []).extend(one for one in permissions if one not in held.get(product, ()))
    held.setdefault(_CA_MANAGER, ["VIEW_CM_LICENSE"])
    return [{"id": id_, "name": name, "permissions": permissions} for (id_, name), permissions in held.items()]


def _sign_in_methods(account: Account) -> list[dict[str, Any]]:
    """The standard way, which the tutorial shows, and single sign-on in the same form (assumed)."""
    certificates = account.sign_in == "CLIENT_AUTH_CERT"
    methods = [("standard", certificates)]
    if account.sign_in in _SIGN_IN_METHODS:
        methods.append((_SIGN_IN_METHODS[account.sign_in], False))
    return [
        {
            "signInMethod": method,
            "status": "enabled",
            "mfaStatus": "enabled",
            "clientAuthCertLoginEnabled": by_certificate,
        }
        for method, by_certificate in methods
    ]

"""What the Account Manager API says: its words, parameters and answers.

Source: DigiCert, "Audit API activity for compliance reporting".
"""

from typing import Any, Final

import msgspec

__all__ = [
    "ACTIONS",
    "DEFAULT_LIMIT",
    "MAX_LIMIT",
    "RESOURCE_TYPES",
    "SORT_FIELDS",
    "STATUSES",
    "Account",
    "Admin",
    "Application",
    "Entry",
    "Named",
    "Page",
    "ServicePeriod",
    "SignInMethod",
    "User",
]

ACTIONS: Final = (
    "CREATE",
    "UPDATE",
    "DELETE",
    "LOGIN",
    "LOGOUT",
    "LOGIN_ERROR",
    "UPDATE_PASSWORD",
    "UPDATE_TOTP",
    "DISABLED",
    "ENABLED",
    "SEND_RESET_PASSWORD",
    "TERMS_AND_CONDITIONS",
    "LICENSE_REGISTERED",
    "FEATURE_ENABLED",
    "FEATURE_DISABLED",
    "LOW_LICENSE_WARNING_SENT",
    "ACCOUNT_EXPIRY_EMAIL_SENT",
    "API_ACCESS_TOKEN_EXPIRY_EMAIL_SENT",
    "CLIENT_AUTH_CERT_EXPIRY_EMAIL_SENT",
    "SERVICE_USER_EXPIRY_EMAIL_SENT",
    "SAML_IDP_CERT_EXPIRY_EMAIL_SENT",
)
"""The 21 values of `action`, in the tutorial's order."""

RESOURCE_TYPES: Final = (
    "ACCOUNT",
    "USER",
    "SERVICE_USER",
    "APIKEY",
    "CLIENT_AUTH_CERT",
    "SAML2_CONFIG",
    "OIDC_CONFIG",
    "SSO_SAML",
    "SSO_OIDC",
    "OAUTH_CLIENT",
    "OAUTH_CONFIG",
    "LICENSE",
    "ROLE",
    "BASIC_AUTH",
    "DIGEST_AUTH",
    "BASIC_AUTH_MFA",
    "SSO_SAML_MFA",
    "CLIENT_AUTH_CERT_MFA",
    "SSO_OIDC_MFA",
)
"""The 19 values of `resource_type`, in the tutorial's order."""

STATUSES: Final = ("SUCCESS", "FAILURE")
"""What the `status` filter takes; entries say the same in lower case."""

SORT_FIELDS: Final = ("timestamp", "action", "status", "description")
DEFAULT_LIMIT: Final = 20
MAX_LIMIT: Final = 1000


class Named(msgspec.Struct, frozen=True):
    """A reference: an id, and a name as it was at the time."""

    id: str | None = None
    name: str | None = None


class Entry(msgspec.Struct, frozen=True):
    """One audit-log entry, as far as its known members go; the archive keeps its exact bytes besides."""

    id: str | None = None
    account: Named | None = None
    resource_type: str | None = None
    resource_id: str | None = None
    resource_name: str | None = None
    action: str | None = None
    user: Named | None = None
    timestamp: str | int | float | None = None
    description: str | None = None
    status: str | None = None


class Page(msgspec.Struct, frozen=True):
    """One answer of the audit log: `items` are the exact bytes of each."""

    total: int
    offset: int
    limit: int
    items: list[msgspec.Raw]


class Application(msgspec.Struct, frozen=True):
    """A DigiCert ONE product that a user may reach, and the permissions held there."""

    id: str | None = None
    name: str | None = None
    permissions: list[str] = []


class ServicePeriod(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """The days an account is paid for, both inclusive, as ``YYYY-MM-DD``."""

    from_: str | None = None
    to: str | None = None


class Account(msgspec.Struct, frozen=True):
    """Answer of ``GET /account/api/v1/account/{account_id}``."""

    id: str
    name: str | None = None
    active: bool | None = None
    service_period: ServicePeriod | None = None
    friendly_identifier: str | None = None
    admins: list["Admin"] = []
    auth_config: Any = None  # its members, and those of an OAuth client, are published nowhere
    sign_in_methods: list["SignInMethod"] = []
    oauth_clients: list[Any] = []
    locale: str | None = None


class Admin(msgspec.Struct, frozen=True):
    """An administrator that an account lists."""

    id: str | None = None
    name: str | None = None
    email: str | None = None


class SignInMethod(msgspec.Struct, frozen=True, rename="camel"):
    """A way to sign in that an account allows; the wire's names are in camel case here alone."""

    sign_in_method: str | None = None
    status: str | None = None
    mfa_status: str | None = None
    client_auth_cert_login_enabled: bool | None = None


class User(msgspec.Struct, frozen=True):
    """Answer of ``GET /account/api/v1/user/{user_id}``: the fields shown, and those only named."""

    id: str
    user_name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    phone: str | None = None
    status: str | None = None
    access_scope: str | None = None
    primary_account_id: str | None = None
    created_at: str | None = None
    created_by: str | None = None
    user_type: str | None = None
    friendly_name: str | None = None
    description: str | None = None
    locale: str | None = None
    applications: list[Application] = []
    accounts: list[Account] = []

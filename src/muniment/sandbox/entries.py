"""What is logged when somebody does something."""

from typing import Final

from muniment.sandbox.organisation import MFA_OF, Account, Person, Thing
from muniment.sandbox.shapes import Shape

__all__ = ["entry", "second_step", "sign_in", "sign_in_error", "sign_out"]

_WAYS: Final = {
    "BASIC_AUTH": "with a password",
    "DIGEST_AUTH": "with digest authentication",
    "SSO_SAML": "through SAML single sign-on",
    "SSO_OIDC": "through OpenID Connect single sign-on",
    "CLIENT_AUTH_CERT": "with a client certificate",
}


def entry(
    actor: Person | None,
    action: str,
    about: Account | Person | Thing,
    description: str,
    *,
    resource_type: str | None = None,
    failed: bool = False,
) -> Shape:
    """What is logged: who did what to whom; nobody stands for the system itself."""
    account = about if isinstance(about, Account) else about.account
    return Shape(
        account=(account.id, account.name),
        resource_type=resource_type or about.resource_type,
        resource_id=about.id,
        resource_name=about.name,
        action=action,
        user=None if actor is None else (actor.id, actor.name),
        description=description,
        status="failure" if failed else "success",
    )


def sign_in(person: Person) -> Shape:
    """Somebody signs in their usual way."""
    return entry(
        person, "LOGIN", person, f"{person.name} signed in {_WAYS[person.sign_in]}", resource_type=person.sign_in
    )


def second_step(person: Person) -> Shape:
    """Somebody passes the second step of signing in."""
    return entry(
        person, "LOGIN", person, f"{person.name} passed the second factor", resource_type=MFA_OF[person.sign_in]
    )


def sign_in_error(person: Person, why: str, *, resource_type: str | None = None) -> Shape:
    """Somebody, or who claims to be them, fails to sign in."""
    kind = resource_type or person.sign_in
    return entry(
        person, "LOGIN_ERROR", person, f"Sign-in of {person.name} failed: {why}", resource_type=kind, failed=True
    )


def sign_out(person: Person) -> Shape:
    """Somebody signs out."""
    return entry(person, "LOGOUT", person, f"{person.name} signed out")

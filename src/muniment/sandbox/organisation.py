"""Who and what is there: accounts, standard and service users, and what they hold.

These values change while the story is told; what the API answers about them is written in `documents`.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterator
from typing import Final

__all__ = ["ADMIN", "DAY_S", "FOREVER", "MFA_OF", "Account", "Organisation", "Person", "Thing", "date_at", "unix_time"]

DAY_S: Final = 86_400
FOREVER: Final = 2**40
"""A time in seconds behind all others."""

ADMIN: Final = "AM_ACCOUNT_ADMIN"
MFA_OF: Final = {
    "BASIC_AUTH": "BASIC_AUTH_MFA",
    "SSO_SAML": "SSO_SAML_MFA",
    "SSO_OIDC": "SSO_OIDC_MFA",
    "CLIENT_AUTH_CERT": "CLIENT_AUTH_CERT_MFA",
}
"""Ways to sign in that can have a second step, and the resource type under which it is logged."""

_FIRST_DAY: Final = dt.date(1970, 1, 1)


@dataclasses.dataclass(slots=True, eq=False)
class Account:
    """A customer's account."""

    id: str
    name: str
    domain: str
    locale: str
    cultures: tuple[str, ...]
    sign_in: str
    """Its people's usual way in, as the resource type under which it is logged."""
    user_names: str
    friendly_identifier: str
    service_from: dt.date
    service_to: dt.date
    active: bool = True
    busy: bool = False
    """Some scene is about it."""

    @property
    def resource_type(self) -> str:
        """What it is as the subject of an entry."""
        return "ACCOUNT"


@dataclasses.dataclass(slots=True, eq=False)
class Person:
    """A user: somebody, or a service."""

    id: str
    name: str
    """The user name, as entries give it."""
    first_name: str
    last_name: str
    email: str
    phone: str
    locale: str
    zone_s: int
    account: Account
    sign_in: str
    mfa_since_s: int
    """Since when they sign in with a second step; `FOREVER` if they do not."""
    created_s: int
    created_by: str
    friendly_name: str
    description: str = ""
    service: bool = False
    roles: list[str] = dataclasses.field(default_factory=list)
    also_in: list[Account] = dataclasses.field(default_factory=list)
    status: str = "ACTIVE"
    busy: bool = False
    """Some scene is about this person."""
    away: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    """Spans in seconds, from and before, in which they cannot sign in."""
    former_names: list[tuple[int, str]] = dataclasses.field(default_factory=list)
    """User names before this one, and until when each was theirs."""

    @property
    def resource_type(self) -> str:
        """What they are as the subject of an entry."""
        return "SERVICE_USER" if self.service else "USER"

    @property
    def mfa(self) -> bool:
        """Whether they sign in with a second step."""
        return self.mfa_since_s < FOREVER

    @property
    def is_admin(self) -> bool:
        """Whether they administer their account."""
        return ADMIN in self.roles

    def shut_out(self, at: int, status: str = "LOCKED") -> None:
        """Let them sign in no more."""
        self.status = status
        self.away.append((at, FOREVER))

    def let_in(self, at: int) -> None:
        """Let them sign in from now on, if they could not."""
        self.status = "ACTIVE"
        if self.away and self.away[-1][1] == FOREVER:
            self.away[-1] = (self.away[-1][0], at)

    def rename(self, at: int, name: str, last_name: str) -> None:
        """Have another name from now on."""
        self.former_names.append((at, self.name))
        self.name, self.last_name = name, last_name
        self.email = f"{name}@{self.account.domain}"
        self.friendly_name = f"{self.first_name} {last_name}"


@dataclasses.dataclass(slots=True, eq=False)
class Thing:
    """Anything else that an entry can be about: a token, a certificate, a configuration, a role."""

    id: str
    name: str
    resource_type: str
    account: Account
    owner: Person | None = None
    busy: bool = False
    """Some scene is about it."""


class Organisation:
    """All accounts, people and things that are there, each in the order in which they came."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.people: dict[str, Person] = {}
        self.things: dict[str, Thing] = {}
        self.left: list[Person] = []
        """Those who were dropped."""

    def staff(self, account: Account | None = None) -> Iterator[Person]:
        """Standard users that can sign in, of one account or all."""
        return (
            person
            for person in self.people.values()
            if not person.service
            and person.status == "ACTIVE"
            and person.account.active
            and (account is None or person.account is account)
        )

    def services(self) -> Iterator[Person]:
        """Service users that can sign in."""
        return (p for p in self.people.values() if p.service and p.status == "ACTIVE" and p.account.active)

    def admins(self, account: Account) -> list[Person]:
        """Who administers an account."""
        return [person for person in list(self.people.values()) if person.account is account and person.is_admin]

    def things_of(self, resource_type: str, *, owner: Person | None = None) -> list[Thing]:
        """Things of a type, everybody's or one owner's."""
        return [
            thing
            for thing in list(self.things.values())  # a copy: lookups read while scenes write
            if thing.resource_type == resource_type and (owner is None or thing.owner is owner)
        ]

    def add(self, *those: Account | Person | Thing) -> None:
        """Have these from now on."""
        for one in those:
            if isinstance(one, Account):
                self.accounts[one.id] = one
            elif isinstance(one, Person):
                self.people[one.id] = one
            else:
                self.things[one.id] = one

    def drop(self, one: Person | Thing) -> None:
        """Have this no longer; a lookup does not find it."""
        if isinstance(one, Person):
            self.left.append(self.people.pop(one.id))
        else:
            del self.things[one.id]


def unix_time(day: dt.date) -> int:
    """Seconds from 1970 to the beginning of a UTC day."""
    return (day - _FIRST_DAY).days * DAY_S


def date_at(at: int) -> dt.date:
    """The UTC day of a time in seconds since 1970."""
    return _FIRST_DAY + dt.timedelta(days=at // DAY_S)

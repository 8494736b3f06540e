"""How new people and things come about: names, ids and addresses that nobody has yet."""

from typing import Final

from muniment.sandbox.dice import Dice
from muniment.sandbox.names import CLIENTS, CULTURES, PURPOSES, SITES
from muniment.sandbox.organisation import ADMIN, FOREVER, Account, Person, Thing

__all__ = ["ROLES", "Registry"]

ROLES: Final = (ADMIN, "AM_USER_MANAGER", "AM_VIEW_ONLY", "TLM_OPERATOR", "STM_SIGNER", "DSM_SEALER", "IOT_OPERATOR")
"""The first three are of the tutorial; the others are invented."""


class Registry:
    """Makes people and things that nobody has seen before; they are not there until they are added."""

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self._taken: set[str] = set()

    def thing(self, resource_type: str, name: str, account: Account, owner: Person | None = None) -> Thing:
        """A token, certificate, configuration, licence, client or role."""
        return Thing(self._dice.uuid(), name, resource_type, account, owner)

    def token(self, owner: Person) -> Thing:
        """An API token for somebody."""
        return self.thing("APIKEY", self._unused(f"{owner.name} token"), owner.account, owner)

    def certificate(self, owner: Person) -> Thing:
        """A client authentication certificate for somebody."""
        return self.thing("CLIENT_AUTH_CERT", self._unused(f"{owner.name} certificate"), owner.account, owner)

    def client(self, account: Account) -> Thing:
        """An OAuth client."""
        return self.thing("OAUTH_CLIENT", self._unused(f"{self._dice.pick(CLIENTS)} for {account.domain}"), account)

    def person(self, account: Account, created_s: int, created_by: str) -> Person:
        """A standard user of the account's usual kind."""
        dice, culture = self._dice, CULTURES[self._dice.pick(account.cultures)]
        (first, first_ascii), (last, last_ascii) = dice.pick(culture.given), dice.pick(culture.family)
        local = self._unused(_dotted(first_ascii, last_ascii))
        email = f"{local}@{account.domain}"
        return Person(
            id=dice.uuid(),
            name=self._user_name(account, local, email, f"{first}.{last}"),
            first_name=first,
            last_name=last,
            email=email,
            phone=f"{culture.phone}{dice.between(10, 99)}",
            locale=culture.locale,
            zone_s=culture.zone_min * 60,
            account=account,
            sign_in=account.sign_in if dice.percent(75) else "BASIC_AUTH",
            mfa_since_s=0 if dice.percent(60) else FOREVER,
            created_s=created_s,
            created_by=created_by,
            friendly_name=f"{first} {last}",
            roles=[dice.pick(ROLES[2:])],
        )

    def service(self, account: Account, created_s: int, created_by: str) -> Person:
        """A service user."""
        dice = self._dice
        (title, slug, description), (site, site_slug) = dice.pick(PURPOSES), dice.pick(SITES)
        name = self._unused(f"svc-{slug}-{site_slug}")
        number = name.removeprefix(f"svc-{slug}-{site_slug}").replace(".", " ")
        return Person(
            id=dice.uuid(),
            name=name,
            first_name="",
            last_name="",
            email=f"{name}@{account.domain}",
            phone="",
            locale=account.locale,
            zone_s=0,
            account=account,
            sign_in="DIGEST_AUTH" if dice.percent(25) else "CLIENT_AUTH_CERT",
            mfa_since_s=FOREVER,
            created_s=created_s,
            created_by=created_by,
            friendly_name=f"{title}, {site}{number}",
            description=description,
            service=True,
            roles=[dice.pick(ROLES[2:])],
        )

    def other_name(self, person: Person) -> tuple[str, str]:
        """A user name with another family name, and that family name; for accounts of dotted names."""
        culture = CULTURES[self._dice.pick(person.account.cultures)]
        others = [name for name in culture.family if name[0] != person.last_name]
        last, last_ascii = self._dice.pick(others)
        return self._unused(_dotted(person.name.split(".")[0], last_ascii)), last

    def _user_name(self, account: Account, local: str, email: str, native: str) -> str:
        if account.user_names == "native":
            return self._unused(native.replace(" ", ""))
        return email if account.user_names == "email" else local

    def _unused(self, wish: str) -> str:
        """The wish, or with the first number that nobody has."""
        number, name = 2, wish
        while name in self._taken:
            number, name = number + 1, f"{wish}.{number}"
        self._taken.add(name)
        return name


def _dotted(first: str, last: str) -> str:
    return f"{first}.{last}".lower().replace("'", "")

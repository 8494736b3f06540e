"""The organisation as it is on the first day of the log."""

import datetime as dt
from typing import Final

from muniment.sandbox.dice import Dice
from muniment.sandbox.names import ACCOUNTS, LICENCES, AccountName
from muniment.sandbox.organisation import ADMIN, DAY_S, Account, Organisation, Person, unix_time
from muniment.sandbox.registry import ROLES, Registry

__all__ = ["found"]

_FOUNDED: Final = dt.date(2021, 5, 6)
_LEAST_ACCOUNTS: Final = 5
_STAFF_PER_ACCOUNT: Final = 50
_LEAST_STAFF: Final = 4  # of an account
_ADMINS: Final = 2  # of an account
_SERVICES_SIGN_IN: Final = ("CLIENT_AUTH_CERT", "DIGEST_AUTH")


def found(dice: Dice, registry: Registry, start: dt.date, staff: int, services: int) -> Organisation:
    """An organisation with a past.

    Args:
        dice: Decides what the registry leaves open.
        registry: Makes whoever and whatever comes.
        start: The log's first day.
        staff: How many standard users, more if an account would have less than four.
        services: How many service users, two at least.
    """
    founding = _Founding(dice, registry, start)
    accounts = [founding.open(name) for name in ACCOUNTS[: max(_LEAST_ACCOUNTS, staff // _STAFF_PER_ACCOUNT)]]
    founding.begin(accounts[0])
    for number in range(max(staff, _LEAST_STAFF * len(accounts))):
        founding.employ(accounts[number % len(accounts)])
    for number in range(max(services, len(_SERVICES_SIGN_IN))):
        founding.install(accounts[number % (_LEAST_ACCOUNTS - 1)])
    return founding.organisation


class _Founding:
    def __init__(self, dice: Dice, registry: Registry, start: dt.date) -> None:
        self._dice = dice
        self._registry = registry
        self._start = start
        self.organisation = Organisation()

    def open(self, name: AccountName) -> Account:
        """An account with its configuration, licences and roles."""
        dice, organisation = self._dice, self.organisation
        opened = min(_FOUNDED, self._start - dt.timedelta(days=400)) + dt.timedelta(days=dice.below(200))
        account = Account(
            id=dice.uuid(),
            name=name.name,
            domain=name.domain,
            locale=name.locale,
            cultures=name.cultures,
            sign_in=name.sign_in,
            user_names=name.user_names,
            friendly_identifier=str(dice.between(1_000_000, 9_999_999)),
            service_from=opened,
            service_to=dt.date(self._start.year + dice.between(2, 6), opened.month, min(opened.day, 28)),
        )
        organisation.add(account)
        self._configure(account)
        return account

    def begin(self, account: Account) -> None:
        """The first user, who made the first admins and left long ago: a lookup still finds them, as deleted."""
        founder = self._registry.person(account, unix_time(account.service_from) + 8 * 3600, "")
        founder.created_by, founder.roles = founder.id, []
        founder.shut_out(founder.created_s + 200 * DAY_S, "DELETED")
        self.organisation.add(founder)

    def employ(self, account: Account) -> None:
        """One more standard user, the account's admins first."""
        admins = self.organisation.admins(account)
        person = self._registry.person(account, *self._creation(account))
        if len(admins) < _ADMINS:
            person.roles, person.sign_in, person.mfa_since_s = [ADMIN], account.sign_in, 0
            person.also_in = [other for other in self.organisation.accounts.values() if other is not account][:2]
        self.organisation.add(person)
        if person.sign_in == "CLIENT_AUTH_CERT":
            self.organisation.add(self._registry.certificate(person))
        if not admins:
            self.organisation.add(self._registry.token(person))

    def install(self, account: Account) -> None:
        """One more service user with a token; the first two have the two ways in that services have."""
        service = self._registry.service(account, *self._creation(account))
        number = sum(1 for _ in self.organisation.services())
        if number < len(_SERVICES_SIGN_IN):
            service.sign_in = _SERVICES_SIGN_IN[number]
        self.organisation.add(service, self._registry.token(service))
        if service.sign_in == "CLIENT_AUTH_CERT":
            self.organisation.add(self._registry.certificate(service))

    def _configure(self, account: Account) -> None:
        thing, add = self._registry.thing, self.organisation.add
        if account.sign_in == "SSO_SAML":
            add(thing("SAML2_CONFIG", f"{account.domain} identity provider", account))
        if account.sign_in == "SSO_OIDC":
            add(thing("OIDC_CONFIG", f"{account.domain} OpenID provider", account))
        add(thing("OAUTH_CONFIG", f"{account.name} OAuth settings", account))
        licences = [LICENCES[0], *(licence for licence in LICENCES[1:] if self._dice.percent(50))]
        add(*(thing("LICENSE", licence, account) for licence in licences))
        add(*(thing("ROLE", role, account) for role in ROLES))

    def _creation(self, account: Account) -> tuple[int, str]:
        """When and by whom the next user of the account was made: its first admin, who was made by the founder."""
        creator: Person = (self.organisation.admins(account) or list(self.organisation.people.values()))[0]
        earliest = max(creator.created_s, unix_time(account.service_from)) + DAY_S
        days = max(1, (unix_time(self._start) - earliest) // DAY_S - 1)
        if creator.is_admin:
            return earliest + self._dice.below(days) * DAY_S + self._dice.between(7 * 3600, 16 * 3600), creator.id
        return earliest + self._dice.between(7 * 3600, 16 * 3600), creator.id

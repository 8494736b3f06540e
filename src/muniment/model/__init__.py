"""What is said: frozen values without I/O, shared by every room."""

from muniment.model.query import Query, Sort, parse_date, parse_sort
from muniment.model.wire import (
    ACTIONS,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    RESOURCE_TYPES,
    SORT_FIELDS,
    STATUSES,
    Account,
    Admin,
    Application,
    Entry,
    Named,
    Page,
    ServicePeriod,
    SignInMethod,
    User,
)

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
    "Query",
    "ServicePeriod",
    "SignInMethod",
    "Sort",
    "User",
    "parse_date",
    "parse_sort",
]

"""The contract described in OpenAPI 3.1, made from the model's own values and types.

Source: DigiCert, "Audit API activity for compliance reporting"; OpenAPI Specification 3.1.1.
"""

import functools
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from muniment.model import (
    ACTIONS,
    DEFAULT_LIMIT,
    MAX_LIMIT,
    RESOURCE_TYPES,
    SORT_FIELDS,
    STATUSES,
    Account,
    Entry,
    Page,
    User,
)

__all__ = ["ACCOUNT_PATH", "AUDIT_LOG_PATH", "KEY_HEADER", "USER_PATH", "ApiError", "Refusal", "describe"]

AUDIT_LOG_PATH: Final = "/account/api/v1/audit-log"
USER_PATH: Final = "/account/api/v1/user/{user_id}"
ACCOUNT_PATH: Final = "/account/api/v1/account/{account_id}"
KEY_HEADER: Final = "x-api-key"

Json = dict[str, Any]

_REFUSALS: Final = {
    "400": "A parameter is malformed; the message names it and its value.",
    "401": "The key is missing or not known.",
    "403": "The key's role does not reach this.",
    "404": "No such user or account.",
    "429": "Too many requests; `Retry-After` says when to ask again.",
}


class ApiError(msgspec.Struct, frozen=True):
    """One error: a word for machines, a sentence for people."""

    code: str
    message: str


class Refusal(msgspec.Struct, frozen=True):
    """The body of every answer that is not 200."""

    errors: list[ApiError]


@functools.cache
def describe() -> Json:
    """The description of the contract as an OpenAPI document; not to be changed by the caller."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Account Manager: audit log",
            "version": "1",
            "description": (
                "The audit log of DigiCert ONE Account Manager, and the users and accounts that it refers to. "
                "A parameter that is given twice counts as it was given last; an empty one counts as absent, "
                "and one that is not named here is ignored."
            ),
        },
        "security": [{"key": []}],
        "paths": {
            AUDIT_LOG_PATH: {"get": _list_entries()},
            USER_PATH: {"get": _look_up("User", "user_id")},
            ACCOUNT_PATH: {"get": _look_up("Account", "account_id")},
        },
        "components": {
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": KEY_HEADER}},
            "schemas": _schemas(),
        },
    }


def _list_entries() -> Json:
    return {
        "operationId": "listEntries",
        "summary": "List audit log entries.",
        "description": "Filters combine by AND. Entries of the same sort value come in the order of their ids.",
        "parameters": _parameters(),
        "responses": _responses("Page", ("400", "401", "403", "429")),
    }


def _look_up(what: str, parameter: str) -> Json:
    return {
        "operationId": f"get{what}",
        "summary": f"Get the details of one {what.lower()}.",
        "parameters": [
            {"name": parameter, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        ],
        "responses": _responses(what, ("401", "403", "404", "429")),
    }


def _parameters() -> list[Json]:
    text = {"type": "string"}
    day = {"type": "string", "format": "date"}
    count = {"type": "integer", "minimum": 0, "maximum": 10**18 - 1}
    sort = rf"^({'|'.join(SORT_FIELDS)})(:(asc|desc))?$"
    return [
        _parameter("user_name", text, "Part of a user's name, in its own case."),
        _parameter("action", text, f"Exactly one of {_listed(ACTIONS)}; another value matches nothing."),
        _parameter("resource_types", text, f"One or more, separated by commas, of {_listed(RESOURCE_TYPES)}."),
        _parameter("resource_id", text, "The id of the resource that was acted upon."),
        _parameter("status", text, f"Exactly {_listed(STATUSES)}: upper case, while entries say it in lower case."),
        _parameter("account_id", text, "The id of an account."),
        _parameter("from", day, "The first day, inclusive."),
        _parameter("to", day, "The last day, inclusive."),
        _parameter("sort", {"type": "string", "pattern": sort}, "A field, and a direction, which is `asc` if absent."),
        _parameter("offset", {**count, "default": 0}, "Index of the first entry to return."),
        _parameter("limit", {**count, "default": DEFAULT_LIMIT}, f"Entries to return; above {MAX_LIMIT} means that."),
    ]


def _parameter(name: str, schema: Json, description: str) -> Json:
    return {"name": name, "in": "query", "description": description, "allowEmptyValue": True, "schema": schema}


def _listed(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _responses(what: str, refusals: Iterable[str]) -> Json:
    responses: Json = {"200": _response(f"The {what.lower()}.", what)}
    responses |= {status: _response(_REFUSALS[status], "Refusal") for status in refusals}
    responses["429"]["headers"] = {
        "Retry-After": {"description": "Seconds, or an HTTP date.", "schema": {"type": "string"}}
    }
    return responses


def _response(description: str, schema: str) -> Json:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": description, "content": content}


def _schemas() -> Json:
    _, schemas = msgspec.json.schema_components(
        (Page, Entry, User, Account, Refusal), ref_template="#/components/schemas/{name}"
    )
    # The model leaves items uncut, since their exact bytes count; what they are is the entry's type.
    schemas["Page"]["properties"]["items"] = {"type": "array", "items": {"$ref": "#/components/schemas/Entry"}}
    schemas["Page"]["properties"]["limit"]["maximum"] = MAX_LIMIT
    return schemas

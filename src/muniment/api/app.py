"""The REST contract as an ASGI app over any backend.

Source: DigiCert, "Audit API activity for compliance reporting"; statuses and machine codes of refusals: DigiCert ONE,
"Error handling and rate limits".
"""

import datetime as dt
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from muniment.api.backend import Backend, Found
from muniment.api.dated import Dated
from muniment.api.openapi import ACCOUNT_PATH, AUDIT_LOG_PATH, KEY_HEADER, USER_PATH, ApiError, Refusal, describe
from muniment.errors import BadInput, Forbidden, MunimentError, NotFound, TooManyRequests, Unauthorized
from muniment.model import Query

__all__ = ["make_app", "render_page"]

_STATUSES: Final[dict[type[MunimentError], int]] = {
    Unauthorized: 401,
    Forbidden: 403,
    NotFound: 404,
    TooManyRequests: 429,
}


def _utc_now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def render_page(query: Query, found: Found) -> bytes:
    """The answer's body: the items byte for byte, with the offset and the limit that were gone by."""
    head = b'{"total":%d,"offset":%d,"limit":%d,"items":[' % (found.total, query.offset, query.limit)
    return head + b",".join(found.items) + b"]}"


def make_app(
    backend: Backend,
    clock: Callable[[], dt.datetime] = _utc_now,
    render: Callable[[Query, Found], bytes] = render_page,
) -> Starlette:
    """The contract over a backend.

    A parameter that is given twice counts as it was given last; one that the contract does not name is ignored.

    Args:
        backend: Called from a pool of threads, so that a slow answer delays no other.
        clock: What ``Date`` says, as an aware time.
        render: Writes the body of a page; a sandbox that misbehaves writes it otherwise.
    """
    contract = _Contract(backend, render)
    app = Starlette(
        routes=[
            Route(AUDIT_LOG_PATH, contract.audit_log),
            Route(_whole_rest(USER_PATH), contract.user),
            Route(_whole_rest(ACCOUNT_PATH), contract.account),
            Route("/openapi.json", _openapi),
        ],
        middleware=[Middleware(Dated, clock=clock)],
        exception_handlers={
            BadInput: _on_bad_input,
            **dict.fromkeys(_STATUSES, _on_refusal),
            HTTPException: _on_no_such_call,
            Exception: _on_defect,
        },
    )
    app.router.redirect_slashes = False  # a path with a slash too many is another path
    return app


class _Contract:
    """The three calls, each one key check, one question and one answer."""

    def __init__(self, backend: Backend, render: Callable[[Query, Found], bytes]) -> None:
        self._backend = backend
        self._render = render

    def audit_log(self, request: Request) -> Response:
        self._authorise(request)
        query = Query.from_params(request.query_params)
        return _json(self._render(query, self._backend.audit_log(query)))

    def user(self, request: Request) -> Response:
        self._authorise(request)
        return _found_or_not("User", self._backend.user(_id(request)))

    def account(self, request: Request) -> Response:
        self._authorise(request)
        return _found_or_not("Account", self._backend.account(_id(request)))

    def _authorise(self, request: Request) -> None:
        self._backend.authorise(request.headers.get(KEY_HEADER))


def _whole_rest(path: str) -> str:
    """A route whose last part takes what stands behind the slash, %2F included."""
    return path.replace("}", ":path}")


def _id(request: Request) -> str:
    """The id as it was meant: cut from the path before percent signs are resolved, since an id may hold a slash."""
    parts = request.scope["raw_path"].split(b"/")
    if len(parts) != USER_PATH.count("/") + 1:
        raise HTTPException(404)
    return unquote(parts[-1].decode("ascii"))


def _found_or_not(what: str, document: bytes | None) -> Response:
    if document is None:
        raise NotFound(f"{what} not found.")
    return _json(document)


def _json(body: bytes, status: int = 200) -> Response:
    return Response(body, status, media_type="application/json")


def _openapi(_request: Request) -> Response:
    return _json(msgspec.json.encode(describe()))


def _refusal(status: int, code: str, message: str) -> Response:
    return _json(msgspec.json.encode(Refusal([ApiError(code, message)])), status)


async def _on_bad_input(_request: Request, error: Exception) -> Response:
    assert isinstance(error, BadInput)
    return _refusal(400, "invalid_input_field", error.message)


async def _on_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, MunimentError)
    answer = _refusal(_STATUSES[type(error)], error.code, error.message)
    if isinstance(error, TooManyRequests) and error.retry_after is not None:
        answer.headers["Retry-After"] = error.retry_after
    return answer


async def _on_no_such_call(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        answer = _refusal(405, "method_not_allowed", f"Method {request.method} is not allowed here.")
    else:
        answer = _refusal(error.status_code, "resource_not_found", "Resource not found.")
    answer.headers.update(error.headers or {})
    return answer


async def _on_defect(_request: Request, _error: Exception) -> Response:
    # The server logs the traceback and hangs up, so the answer says that it will.
    answer = _refusal(500, "internal_error", "Internal error.")
    answer.headers["Connection"] = "close"
    return answer

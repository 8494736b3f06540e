"""A source that is asked in memory: the rules of `tests.collect.scripted`, without a socket."""

import datetime as dt
import json
from collections.abc import Callable, Mapping

from tests.collect.scripted import NOW, Source

from muniment.source.client import Client, Reply
from muniment.source.endpoints import AUDIT_LOG, spell
from muniment.source.pages import is_no_json
from muniment.source.settings import Settings

KEY = "key-that-sees-all"
SETTINGS = Settings(url="https://one.example", api_key=KEY)
_NO_PARAMS: Mapping[str, str] = {}


class DirectClient(Client):
    """A client whose every answer is there at once.

    Args:
        source: What it asks.
    """

    def __init__(self, source: Source) -> None:
        super().__init__(SETTINGS, clock=lambda: NOW, environ={})
        self._source = source

    def get(
        self,
        path: str,
        params: Mapping[str, str] = _NO_PARAMS,
        *,
        complain: Callable[[bytes], str | None] = is_no_json,  # noqa: ARG002 - nothing is amiss here
        shrinkable: bool = False,  # noqa: ARG002 - as above
    ) -> Reply:
        with self._counting:
            self._requests += 1
        return Reply(200, self._answer(path, params), _now(), NOW, 1, SETTINGS.url + spell(path, params))

    def _answer(self, path: str, params: Mapping[str, str]) -> bytes:
        if path == AUDIT_LOG:
            return self._source.page(dict(params), KEY)
        return json.dumps({"id": path.rpartition("/")[2], "name": "x", "user_name": "x"}).encode()


def _now() -> dt.datetime:
    return NOW

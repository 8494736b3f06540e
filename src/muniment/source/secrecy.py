"""Keeps the key out of everything that is said, even where the source says it first."""

import logging
import traceback
from urllib.parse import quote

from muniment.errors import SourceError

__all__ = ["Secrecy", "printable"]

_MASK = "[key]"
_LOGGERS = ("urllib3.connection", "urllib3.connectionpool", "urllib3.response", "urllib3.util.retry")
_MAX_SHOWN = 300


class Secrecy(logging.Filter):
    """Masks one key in texts, and in what urllib3 logs while it is in force."""

    def __init__(self, api_key: str) -> None:
        super().__init__()
        self._forms = {api_key, quote(api_key, safe="")}

    def mask(self, text: str) -> str:
        """The text with the key, plain or percent-encoded, made unreadable."""
        for form in self._forms:
            text = text.replace(form, _MASK)
        return text

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask a record of urllib3's, which quotes headers that it cannot read; always lets it pass."""
        said = record.getMessage()
        if record.exc_info:
            said = "\n".join([said, *traceback.format_exception(*record.exc_info)])
        if any(form in said for form in self._forms):
            record.msg, record.args, record.exc_info, record.exc_text = self.mask(record.getMessage()), (), None, None
        return True

    def watch_logs(self) -> None:
        """Be in force from now on."""
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self)

    def release_logs(self) -> None:
        """Be in force no longer."""
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self)

    def complete(self, error: SourceError, url: str) -> SourceError:
        """The error with what was asked in front, and the key masked in all that it says."""
        error.args = (self.mask(f"GET {url}: {error}"),)
        error.vendor_code = error.vendor_code and self.mask(error.vendor_code)
        return error


def printable(text: str) -> str:
    """Foreign text as it may stand on a terminal: one line, no control characters, at most 300 characters."""
    shown = "".join(char if char.isprintable() else " " for char in text[: _MAX_SHOWN + 1])
    shown = " ".join(shown.split())
    return shown if len(text) <= _MAX_SHOWN else f"{shown[:_MAX_SHOWN]}…"

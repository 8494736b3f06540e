"""Every error Muniment raises on purpose, and the exit code that each ends a command with.

    MunimentError                     1
    ├── BadInput                      2   an argument, a setting or a file the user gave
    ├── SourceError                   3   the source could not be read to its end
    │   ├── Unreachable                   no answer in the time given
    │   │   └── Oversized                 too large, cut or too slow: ask for less at once
    │   ├── Unauthorized                  401: no key, or not this host's
    │   ├── Forbidden                     403: the key's role does not reach this
    │   ├── BadRequest                    400: the source refused a parameter
    │   ├── NotFound                      404: no such user, account or path
    │   ├── TooManyRequests               429: more calls than the source bears
    │   ├── Stopped                       we were told to stop before the answer came
    │   ├── ScopeShrank                   this key sees less than the last one
    │   └── WireError                     an answer that is not what the tutorial describes
    ├── Incomplete                    4   entries the source counts and the archive lacks
    ├── ArchiveError                  1   the archive cannot be used as asked
    │   ├── NoArchive                     nothing there, or something else
    │   ├── ArchiveExists                 init into a folder that holds one
    │   ├── Busy                          somebody else holds the lock
    │   ├── NotOurs                       it does not extend what was last signed
    │   ├── KeyMissing                    its signing key is not in MUNIMENT_HOME
    │   └── StorageError                  the disk refused
    ├── NotEvidence                  10   a file, a hash or a signature does not verify
    │   └── MerkleError                   a proof, tile, note or checkpoint is wrong
    └── FindingsOpen                 11   findings nobody has answered

Only the command line catches `MunimentError`; anything else is a bug and shows its traceback.
"""

from typing import ClassVar

__all__ = [
    "ArchiveError",
    "ArchiveExists",
    "BadInput",
    "BadRequest",
    "Busy",
    "FindingsOpen",
    "Forbidden",
    "Incomplete",
    "KeyMissing",
    "MerkleError",
    "MunimentError",
    "NoArchive",
    "NotEvidence",
    "NotFound",
    "NotOurs",
    "Oversized",
    "ScopeShrank",
    "SourceError",
    "Stopped",
    "StorageError",
    "TooManyRequests",
    "Unauthorized",
    "Unreachable",
    "WireError",
]


class MunimentError(Exception):
    """Something went wrong that the user can be told about in a sentence.

    Args:
        message: What happened and where, as one sentence without its full stop.
        hint: What to do next, where the class's own hint can be bettered.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "error"
    hint: str = "Run it again with -vv to see how it came to this."

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        if hint is not None:
            self.hint = hint

    @property
    def message(self) -> str:
        """What happened, in a sentence."""
        return str(self.args[0])


class BadInput(MunimentError):
    """An argument, a setting or a file that the user gave cannot be used."""

    exit_code = 2
    code = "bad_input"
    hint = "See --help of the command for what it takes."


class SourceError(MunimentError):
    """DigiCert ONE could not be reached, or refused to answer.

    Attributes:
        status: The HTTP status of the last answer, None where none came.
        vendor_code: The source's own code, such as ``invalid_input_field``.
    """

    exit_code = 3
    code = "source_unreadable"
    hint = "Check the network, the base URL and the token's role, then run it again."
    status: int | None = None
    vendor_code: str | None = None


class Unreachable(SourceError):
    """No usable answer came within the time given."""

    code = "source_unreachable"
    hint = "Check the network, proxy and base URL; MUNIMENT_RETRY_S is how long one request is tried."


class Oversized(Unreachable):
    """The answer was too large, broke off or did not come through in time: a smaller one may.

    Attributes:
        came: Whether it is an answer that was too large; False where none came through.
    """

    came: bool = False

    code = "answer_too_large"
    hint = "Ask for fewer entries at once, or give MUNIMENT_TIMEOUT_S more seconds."


class Stopped(SourceError):
    """The caller asked to stop; what was under way was given up."""

    code = "stopped"
    hint = "Run it again: it goes on where it stopped."


class Unauthorized(SourceError):
    """The source does not know the API key (401)."""

    code = "invalid_api_key"
    hint = (
        "Check that the key belongs to this host (a demo key fails on a production host) and has not expired: "
        "a service user stops at 23:59:59 UTC of its end date."
    )


class Forbidden(SourceError):
    """The key's role does not allow the call (403)."""

    code = "access_denied"
    hint = "Give the token's user AM_ACCOUNT_ADMIN, AM_VIEW_ONLY or AM_USER_MANAGER."


class BadRequest(SourceError):
    """The source refused a parameter (400)."""

    code = "invalid_request"


class NotFound(SourceError):
    """The source has nothing at this path, or no such user or account (404)."""

    code = "not_found"


class TooManyRequests(SourceError):
    """More calls came than the source bears (429).

    Args:
        message: See `MunimentError`.
        retry_after: The header's text, seconds or an HTTP date; None where the answer had none.
        hint: See `MunimentError`.
    """

    code = "request_limit_exceeded"
    hint = "Ask more slowly: `--max-rate` bounds the requests per second."

    def __init__(self, message: str, *, retry_after: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


class WireError(SourceError):
    """An answer is not of the form that the source promises.

    Args:
        message: What was found.
        path: Where in the document, such as ``items[17].user.id``.
        hint: See `MunimentError`.
    """

    code = "unexpected_answer"

    def __init__(self, message: str, *, path: str = "", hint: str | None = None) -> None:
        super().__init__(f"{path}: {message}" if path else message, hint=hint)
        self.path = path


class ScopeShrank(SourceError):
    """Entries that another key saw are not served to this one; nothing is sealed as vanished."""

    code = "scope_shrank"
    hint = "Use the earlier key or give this one its rights; or take it as it is with --accept-scope."


class Incomplete(MunimentError):
    """The source says that entries exist which the archive lacks."""

    exit_code = 4
    code = "population_incomplete"
    hint = "Run collect again; `status --days` names each window that has a gap."


class ArchiveError(MunimentError):
    """The archive cannot be used as asked."""

    code = "archive_error"
    hint = "Check the path given by --archive or MUNIMENT_ARCHIVE."


class NoArchive(ArchiveError):
    """There is no archive at this path."""

    code = "no_archive"
    hint = "Make one with `muniment init`, or name another with --archive."


class ArchiveExists(ArchiveError):
    """There is an archive here already."""

    code = "archive_exists"
    hint = "Use it as it is, or name another folder with --archive."


class Busy(ArchiveError):
    """Another process is writing."""

    code = "archive_busy"
    hint = "Wait for it to end, or stop it."


class NotOurs(ArchiveError):
    """The archive does not extend what was last signed with its key."""

    code = "does_not_extend"
    hint = "Put the newest copy back, or say what happened with `muniment recover --reason …`."


class KeyMissing(ArchiveError):
    """The archive's signing key is not in MUNIMENT_HOME."""

    code = "signing_key_missing"
    hint = "Put the key file back from its backup, or go on with a new key: `muniment recover --lost-key --reason …`."


class StorageError(ArchiveError):
    """The disk refused to read or write."""

    code = "storage_error"
    hint = "Check free space and permissions; the archive is as it was before."


class NotEvidence(MunimentError):
    """A file, a hash or a signature does not verify."""

    exit_code = 10
    code = "does_not_verify"
    hint = "Run `muniment verify` to see every file and leaf that differs, and compare with a backup."


class MerkleError(NotEvidence):
    """A proof, tile, note or checkpoint is malformed or does not hold."""

    code = "does_not_verify"


class FindingsOpen(MunimentError):
    """There are findings that nobody has answered."""

    exit_code = 11
    code = "findings_open"
    hint = "Read them with `muniment findings` and answer each with `muniment dispose`."

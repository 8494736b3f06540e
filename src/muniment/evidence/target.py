"""What there is to verify at a path."""

from pathlib import Path
from typing import Final, Literal

from muniment.errors import BadInput
from muniment.evidence.files import looks_like_archive
from muniment.evidence.folder import Folder

__all__ = ["Kind", "kind_of"]

Kind = Literal["archive", "package"]

_BAG: Final = "bagit.txt"


def kind_of(path: Path) -> Kind:
    """Whether a path holds an archive or a package.

    A folder with any part of an archive is one: taking a file out of it makes it a damaged archive, not none.

    Raises:
        BadInput: There is nothing, or something else.
    """
    try:
        kind, is_there = _look(path), path.exists()
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: cannot be read: {error}") from error
    if kind:
        return kind
    if is_there:
        raise BadInput(
            f"{path} is neither an archive nor a package",
            hint="Name the folder that has the checkpoint in it, such as ./muniment-archive.",
        )
    raise BadInput(f"{path}: there is no such file or folder", hint="Name an archive's folder.")


def _look(path: Path) -> Kind | None:
    if not path.is_dir():
        return None
    if looks_like_archive(Folder(path)):
        return "archive"
    return "package" if (path / _BAG).exists() else None

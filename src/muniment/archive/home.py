"""Where signing keys live, outside every archive, and beside them what was last signed for each.

<home>/keys/<key id>.key            PRIVATE+KEY+…, mode 0600
<home>/signed/<hash of leaf 0>      the last note signed for the archive that begins with this leaf
<home>/lock/<hash of leaf 0>        held during a commit
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from muniment.archive.disk import REAL_DISK, Disk
from muniment.archive.storage import LocalFolder, Missing
from muniment.errors import ArchiveError, KeyMissing, MerkleError
from muniment.merkle.note import Signer, Verifier

__all__ = ["Home"]


class Home:
    """The folder that ``MUNIMENT_HOME`` names; made, with mode 0700, when the first key is kept.

    Args:
        path: The folder.
        disk: What does the writing.
    """

    def __init__(self, path: Path, *, disk: Disk = REAL_DISK) -> None:
        self.path = path
        self._folder = LocalFolder(path, disk=disk, private=True)

    def __repr__(self) -> str:
        return f"Home({str(self.path)!r})"

    def key_file(self, verifier: Verifier) -> Path:
        """Where the private key to a public one lies, if it is here."""
        return self.path / _key_path(verifier)

    def keep(self, signer: Signer) -> Path:
        """Keep a new key, durably, before anything is signed with it.

        Raises:
            ArchiveError: A different key with the same key id is here already, or the disk refused.
        """
        path = _key_path(signer.verifier)
        text = (signer.encode() + "\n").encode()
        self._folder.create()
        if self._folder.exists(path) and self._folder.read(path) != text:
            raise ArchiveError(f"{self.path / path} holds another key already", hint="Run it again: a new key is made.")
        self._folder.write({path: text})
        self._folder.sync([path])
        return self.path / path

    def signer(self, verifier: Verifier) -> Signer:
        """The private key to a public one, found by its key id.

        Raises:
            KeyMissing: It is not here, or its file holds no such key.
        """
        path = _key_path(verifier)
        try:
            text = self._folder.read(path)
        except Missing:
            raise KeyMissing(f"{self.path / path}: the signing key is not there") from None
        try:
            signer = Signer.parse(text.decode().removesuffix("\n"))
        except (MerkleError, UnicodeDecodeError) as error:
            # the text is not repeated: it may hold most of a key
            raise KeyMissing(f"{self.path / path} holds no signing key") from error
        if signer.vkey != verifier.vkey:
            raise KeyMissing(f"{self.path / path} holds the key of {signer.name}, not of {verifier.name}")
        return signer

    def last_signed(self, genesis: bytes) -> str | None:
        """The last note signed here for an archive; None where there was none.

        Args:
            genesis: Hash of the archive's leaf 0.
        """
        try:
            return self._folder.read(_signed_path(genesis)).decode()
        except Missing:
            return None
        except UnicodeDecodeError as error:
            raise ArchiveError(f"{self.path / _signed_path(genesis)} is damaged") from error

    def remember(self, genesis: bytes, note: str) -> None:
        """Keep, durably, what is signed now; published only after that."""
        path = _signed_path(genesis)
        self._folder.create()
        self._folder.write({path: note.encode()})
        self._folder.sync([path])

    @contextlib.contextmanager
    def lock(self, genesis: bytes, wait_s: float) -> Iterator[None]:
        """Hold what was last signed: two copies of one archive have one last state between them.

        Raises:
            Busy: Another process held it for `wait_s` seconds.
        """
        self._folder.create()
        with self._folder.lock(genesis.hex(), wait_s, "is writing to a copy of the archive"):
            yield


def _key_path(verifier: Verifier) -> str:
    return f"keys/{verifier.key_id}.key"


def _signed_path(genesis: bytes) -> str:
    return f"signed/{genesis.hex()}"

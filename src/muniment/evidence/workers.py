"""Blocks read in several processes at once: hashing and parsing hold Python's lock, so that threads would gain nothing.

This process reads blocks too. A child that dies, as one may over a file made to harm, takes no other block with it.
"""

import contextlib
import os
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from typing import IO, Final

import msgspec

from muniment.evidence.account import Kept
from muniment.evidence.block import BlockJob, read_block, unread_block

__all__ = ["read_blocks", "serve"]

_WORTH: Final = 4
"""So many blocks take longer than a child takes to start."""
_LENGTH: Final = struct.Struct(">Q")
_LONGEST: Final = 1 << 32
"""Bytes of a message; what claims more is none of ours."""
_COMMAND: Final = (sys.executable or "python3", "-P", "-c", "from muniment.evidence.workers import serve; serve()")
_encode: Final = msgspec.msgpack.Encoder().encode
_decode_job: Final = msgspec.msgpack.Decoder(BlockJob).decode
_decode_kept: Final = msgspec.msgpack.Decoder(Kept).decode


def read_blocks(jobs: Sequence[BlockJob], children: int, command: Sequence[str] = _COMMAND) -> Iterator[Kept]:
    """Read blocks, in any order.

    Args:
        jobs: Which.
        children: How many processes besides this one.
        command: What each of them runs.
    """
    waiting = deque(jobs)
    done: SimpleQueue[Kept] = SimpleQueue()
    with contextlib.ExitStack() as stack:
        for _ in range(min(children, len(jobs) // _WORTH)):
            _employ(stack, command, waiting, done)
        for _ in jobs:
            job = _take(waiting) if done.empty() else None
            yield read_block(job) if job else done.get()


def serve() -> None:
    """Read the blocks that come on stdin, until it ends; what a child does."""
    import pyarrow as pa  # noqa: PLC0415 - loaded before the parent is told that we can

    pa.set_memory_pool(pa.system_memory_pool())  # keeps less for itself than the default one
    try:
        _write(sys.stdout.buffer, b"")
        while (data := _read(sys.stdin.buffer)) is not None:
            _write(sys.stdout.buffer, _encode(read_block(_decode_job(data))))
    except BrokenPipeError:
        os._exit(1)  # the parent is gone: nobody is left to be told, and Python would complain of it


def _employ(
    stack: contextlib.ExitStack, command: Sequence[str], waiting: deque[BlockJob], done: SimpleQueue[Kept]
) -> None:
    """Start a child, and a thread that hands it jobs."""
    try:
        # a session of its own: an interrupt at the terminal is for the parent, who then ends it
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)  # noqa: S603 - ours
    except OSError:  # no room for another process: this one reads everything
        return
    thread = threading.Thread(target=_hand_over, args=(child, waiting, done), name="verify", daemon=True)
    thread.start()
    stack.callback(_dismiss, child, thread)


def _hand_over(child: "subprocess.Popen[bytes]", waiting: deque[BlockJob], done: SimpleQueue[Kept]) -> None:
    assert child.stdin
    assert child.stdout
    if _read(child.stdout) != b"":  # it could not even start
        return
    while job := _take(waiting):
        kept = None
        try:
            _write(child.stdin, _encode(job))
            kept = _decode_kept(_read(child.stdout) or b"")
        except (OSError, msgspec.MsgspecError):
            return
        finally:
            # whatever happens, the parent waits for an answer
            done.put(kept or unread_block(job, "the process that read it came to an end"))


def _dismiss(child: "subprocess.Popen[bytes]", thread: threading.Thread) -> None:
    child.kill()
    thread.join()
    with child:  # closes its pipes, and waits
        pass


def _take(waiting: deque[BlockJob]) -> BlockJob | None:
    try:
        return waiting.popleft()
    except IndexError:
        return None


def _write(stream: IO[bytes], data: bytes) -> None:
    stream.write(_LENGTH.pack(len(data)) + data)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    """One message; None where the other side has ended."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    data = stream.read(length) if length <= _LONGEST else b""
    return data if len(data) == length else None

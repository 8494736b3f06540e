"""How this process asks for memory."""

import ctypes

__all__ = ["share_memory_among_threads"]

_ARENAS = -8
_FEW = 2


def share_memory_among_threads() -> None:
    """Keep glibc from giving each thread a heap of its own, most of which then lies idle (measured: a third of all).

    To be called before threads are started; elsewhere than on glibc nothing happens.
    """
    try:
        ctypes.CDLL(None).mallopt(_ARENAS, _FEW)
    except (AttributeError, OSError, TypeError):
        return

"""Memory for arrays that grow, taken from the operating system in pages, so that a limit in bytes is a limit of the process.

A large array that may not outgrow a known size gets that much address space at once. Pages that nobody has written take no
memory, so it grows by being seen longer: nothing is copied, and never do an old and a new array stand side by side. When it
goes its pages go, where malloc might keep them for later. Small arrays, and systems without such reserves, use malloc and copy.

The system clears every page before it gives it, which is a tenth of the time of a fast search. So a search that has ended may *leave*
its pages, KEPT bytes at most, to the next ones of the process.

Read next: drive.py, which grows arrays with this.
"""

import math
import mmap
import os
import threading
from collections.abc import Iterable
from typing import Any

import numpy as np

LARGE = 1 << 19  # bytes from which an array has pages of its own
HUGE = 1 << 21  # bytes of a huge page, where there are such
CAN_RESERVE = hasattr(mmap, "MAP_PRIVATE")  # not on Windows, where address space counts as memory
MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if CAN_RESERVE else 0  # bytes of memory there are
KEPT = MACHINE // 256  # bytes: so little that as many processes as there are cores may keep it

_leaving = threading.Lock()
if hasattr(os, "register_at_fork"):  # a child would wait for ever for a thread that only its parent has
    os.register_at_fork(before=_leaving.acquire, after_in_parent=_leaving.release, after_in_child=_leaving.release)


class Space(mmap.mmap):
    """Address space and its pages."""

    written = 0  # bytes, from the first on, that arrays of ended searches may have written


_left: list[Space] = []  # by ended searches; `_leaving` guards it


def empty(shape: tuple[int, ...], dtype: Any, most: int = 0, clear: bool = False) -> np.ndarray:
    """An array of any content, of zeros if `clear`; when large, with address space for at least `most` bytes, where the system gives it."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if CAN_RESERVE and size >= LARGE:
        space = max(whole(size), most // HUGE * HUGE)
        try:
            pages = (None if clear else take(space)) or Space(-1, space, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
            return seen(pages, shape, dtype)
        except OSError:  # more than the machine has: address space may be limited too
            pass
    return np.empty(shape, dtype)


def leave(arrays: Iterable[np.ndarray]) -> None:
    """Keep the pages of `arrays`, which nobody will look at again, for arrays to come."""
    for array in arrays:
        pages = pages_of(array)
        if pages is not None:
            pages.written = max(pages.written, whole(array.nbytes))
            with _leaving:
                if pages.written + sum(other.written for other in _left) <= KEPT:
                    _left.append(pages)


def take(space: int) -> Space | None:
    """Of the pages that were left those with the least room for `space` bytes, and of these the most written ones, if there are any."""
    with _leaving:
        fit = min((pages for pages in _left if len(pages) >= space), key=lambda pages: (len(pages), -pages.written), default=None)
        if fit is not None:
            _left.remove(fit)
        return fit


def forget() -> None:
    """Give the pages that were left back to the system: a limit in bytes does not count them."""
    with _leaving:
        _left.clear()


def zeros(shape: tuple[int, ...], dtype: Any, most: int = 0) -> np.ndarray:
    """An array of zeros: pages that nobody has written need no filling. One that is read before it is written takes two faults, and
    some systems never make a huge page of it then: so each gets a first write."""
    array = empty(shape, dtype, most, clear=True)
    if pages_of(array) is None:
        array.fill(0)
    else:
        array.reshape(-1).view(np.uint8)[::HUGE] = 0
    return array


def whole(size: int) -> int:
    """`size` in whole huge pages. Reserved space of such a size also begins where a huge page can (Linux 6.7 and later)."""
    return -(-size // HUGE) * HUGE


def seen(pages: Space, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """The beginning of `pages` as an array. Only this much may become huge pages, which are filled whole: to the end of the last one
    while that is within half of the space, so far from any limit, and near it exactly as much as is seen."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    if hasattr(mmap, "MADV_HUGEPAGE"):
        pages.madvise(mmap.MADV_HUGEPAGE, 0, whole(size) if 2 * whole(size) <= len(pages) else size)
    return np.frombuffer(pages, dtype, math.prod(shape)).reshape(shape)


def pages_of(array: np.ndarray) -> Space | None:
    """The pages that `empty` gave to an array, None when it is malloc's."""
    owner: Any = array
    while isinstance(owner, np.ndarray):
        owner = owner.base
    owner = getattr(owner, "obj", owner)  # a memoryview stands between them
    return owner if isinstance(owner, Space) else None


def longer(array: np.ndarray, rows: int, most: int = 0) -> np.ndarray:
    """`array` with so many rows, more than it has: the same memory where it was reserved, else a copy with `most` bytes of space."""
    shape, pages = (rows, *array.shape[1:]), pages_of(array)
    if pages is not None and math.prod(shape) * array.itemsize <= len(pages):
        return seen(pages, shape, array.dtype)
    larger = empty(shape, array.dtype, most)
    larger[: len(array)].view(np.uint8)[...] = array.view(np.uint8)  # records go field by field otherwise: 10 times slower
    return larger


def copied_bytes(array: np.ndarray, rows: int) -> int:
    """How many bytes `longer` will hold twice for a moment."""
    pages = pages_of(array)
    return 0 if pages is not None and rows * array[:1].nbytes <= len(pages) else array.nbytes


def wider(array: np.ndarray, length: int, used: int) -> np.ndarray:
    """The array with so many columns, and the content of the first `used`; the others are zeros."""
    if array.shape[1] == length:
        return array
    larger = zeros((len(array), length, *array.shape[2:]), array.dtype)
    if used:
        larger[:, :used].view(np.uint8)[...] = array[:, :used].view(np.uint8)  # records go field by field otherwise
    return larger


def slots_for(edges: int) -> int:
    """Slots of a table for as many states as there are edges: a power of two."""
    return 1 << int(2 * edges - 1).bit_length()

"""What a machine has to give, in the words of people: bytes with units, resident memory, load."""

import os
import re
import sys

UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}


def read_bytes(text: str | int) -> int:
    """256MB, "1.5 GiB", 1e9 or a plain number -> bytes; MB is 10^6, MiB 2^20. ValueError in one sentence."""
    match = re.fullmatch(r"([0-9.]+(?:e[0-9]+)?)\s*([kmgt]?i?)b?", str(text).strip().lower())
    try:
        assert match
        return int(float(match[1]) * UNITS[match[2]])
    except (AssertionError, KeyError, ValueError):
        raise ValueError(f"'{text}' is no number of bytes: give for example 256MB (10^6 each), 1GiB (2^30) or 64000000.") from None


def peak_memory() -> int | None:
    """The most bytes of memory that this process has held so far; None where the system does not say (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def load_words() -> str:
    """How busy the machine is: processes that ran or waited to, over the last minute, and the cores there are."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return f"{load} on {os.cpu_count()} cores"

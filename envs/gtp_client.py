"""A GTP engine in a process of its own, asked commands (Farnebäck, Go Text Protocol 2, lysator.liu.se/~gunnar/gtp).

Read next: go_peers.py (GNU Go as a referee of rules), ../experiments/players.py (any engine as an opponent).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence

GAMES = "/usr/games"  # where Debian puts gnugo; often not on PATH


def find_program(name: str) -> str | None:
    """Where a program is, on the PATH or among Debian's games; None when it is nowhere."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), GAMES]))


class EngineLostError(ValueError):
    """The engine is no more: it ended by itself, or it was `silent` for too long and was ended."""

    def __init__(self, sentence: str, silent: bool) -> None:
        super().__init__(sentence)
        self.silent = silent


class GtpClient:
    """`words`: the command line, a program and its arguments; `name`: how messages call the engine."""

    def __init__(self, words: Sequence[str], name: str) -> None:
        self.name, self.silent = name, False
        try:
            self.process = subprocess.Popen(
                list(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", errors="replace", bufsize=1,
                start_new_session=True,  # so that Ctrl-C reaches us alone, and we end it in order
            )  # fmt: skip
        except OSError as problem:
            raise ValueError(f"{name} cannot be started ({problem.strerror}); give a program that exists and its arguments.") from None

    def ask(self, command: str, seconds: float | None = None) -> str:
        """The answer to one command, without its sign. ValueError when the engine refuses it; EngineLostError when it has ended, or when
        `seconds` (None: for ever) passed without an answer, and then it is ended.
        """
        watch = None if seconds is None else threading.Timer(seconds, self.give_up)
        if watch is not None:
            watch.start()
        try:
            return self.ask_all(command)[0]
        except EngineLostError:
            if self.silent:
                sentence = f"{self.name} did not answer '{command}' within {seconds:g} s, so it was ended."
                raise EngineLostError(sentence, silent=True) from None
            raise
        finally:
            if watch is not None:
                watch.cancel()

    def ask_all(self, *commands: str) -> list[str]:
        """The answers to commands sent together: one wait for the other process instead of many. Errors: as those of `ask`."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then there is nothing to read either
            self.process.stdin.write("".join(command + "\n" for command in commands))
        answers = [self.read_answer(command) for command in commands]
        for command, answer in zip(commands, answers, strict=True):
            if not answer.startswith("="):
                raise ValueError(f"{self.name} answered '{answer.strip()}' to '{command}'.")
        return [answer[1:].strip() for answer in answers]

    def read_answer(self, command: str) -> str:
        """The next answer, its sign included; EngineLostError when the engine ended before its last line."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in iter(self.process.stdout.readline, ""):
            if line.strip():
                lines.append(line.rstrip())
            if lines and (not line.strip() or lines[0][0] not in "=?"):  # the end, or no GTP at all
                return "\n".join(lines)
        raise EngineLostError(f"{self.name} ended when it was asked '{command}'; try its command line by hand.", silent=False)

    def give_up(self) -> None:
        """End a process that is silent; reading its answer ends with it."""
        self.silent = True
        self.kill()

    def kill(self) -> None:
        """Kill the process, and with it what it started itself where there are groups of processes."""
        if self.process.returncode is None and hasattr(os, "killpg"):  # nobody has waited for it, so its number is still its own
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)  # the group that start_new_session made
        self.process.kill()

    def close(self) -> None:
        """End the process and wait for its end."""
        self.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]
        self.process.wait()

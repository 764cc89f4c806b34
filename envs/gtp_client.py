"""A GTP engine in a process of its own, asked commands (Farnebäck, Go Text Protocol 2, lysator.liu.se/~gunnar/gtp).

Read next: go_peers.py (GNU Go as a referee of rules), ../experiments/players.py (any engine as an opponent).
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Sequence

GAMES = "/usr/games"  # where Debian puts gnugo; often not on PATH


def find_program(name: str) -> str | None:
    """Where a program is, on the PATH or among Debian's games; None when it is nowhere."""
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", os.defpath), GAMES]))


class GtpClient:
    """`words`: the command line, a program and its arguments; `name`: how messages call the engine."""

    def __init__(self, words: Sequence[str], name: str) -> None:
        self.name = name
        try:
            self.process = subprocess.Popen(
                list(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8", errors="replace", bufsize=1,
                start_new_session=True,  # so that Ctrl-C reaches us alone, and we end it in order
            )  # fmt: skip
        except OSError as problem:
            raise ValueError(f"{name} cannot be started ({problem.strerror}); give a program that exists and its arguments.") from None

    def ask(self, command: str) -> str:
        """The answer to one command, without its sign; ValueError when the engine refuses it or has ended."""
        return self.ask_all(command)[0]

    def ask_all(self, *commands: str) -> list[str]:
        """The answers to commands sent together: one wait for the other process instead of many. ValueError for the first refused."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # then there is nothing to read either
            self.process.stdin.write("".join(command + "\n" for command in commands))
        answers = [self.read_answer(command) for command in commands]
        for command, answer in zip(commands, answers, strict=True):
            if not answer.startswith("="):
                raise ValueError(f"{self.name} answered '{answer.strip()}' to '{command}'.")
        return [answer[1:].strip() for answer in answers]

    def read_answer(self, command: str) -> str:
        """The next answer, its sign included."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in iter(self.process.stdout.readline, ""):
            if line.strip():
                lines.append(line.rstrip())
            if lines and (not line.strip() or lines[0][0] not in "=?"):  # the end, or no GTP at all
                break
        else:
            raise ValueError(f"{self.name} ended when it was asked '{command}'; try its command line by hand.")
        return "\n".join(lines)

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.communicate()

"""A rival in its own interpreter, kept warm between the rounds of a benchmark."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

RIVAL_PYTHON = os.environ.get("RIVAL_PYTHON", "")


class Rival:
    """Runs `program`, which prints one line of JSON about itself, then one for each job it reads."""

    def __init__(self, program: str, python: str = RIVAL_PYTHON) -> None:
        try:
            self.process = subprocess.Popen(
                [python, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
            )
        except OSError as error:
            raise SystemExit(f"{python or 'RIVAL_PYTHON'}: {error.strerror}") from None
        self.about = self._line()

    def _line(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the interpreter of a contender ended; its message is above")
        return json.loads(line)

    def ask(self, job: str) -> Any:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{job}\n")
        return self._line()

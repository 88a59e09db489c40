"""Asks the rivals, in an environment outside of this repository."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_SCRIPT = Path(__file__).with_name("rivals.py")


@dataclass
class Answer:
    """What a rival said; or why it could not."""

    found: list[Any] = field(default_factory=list)
    seconds: float = 0.0
    missing: str = ""


class Rivals:
    """One process per question, so that none carries over."""

    def __init__(self, python: str) -> None:
        self.python = python

    def ask(self, name: str, texts: list[str], **arguments: Any) -> Answer:
        if not self.python:
            return Answer(missing="no environment for rivals given (--rivals)")
        request = json.dumps({"texts": texts, "arguments": arguments})
        try:
            run = subprocess.run(
                [self.python, str(_SCRIPT), name],
                input=request,
                capture_output=True,
                text=True,
                timeout=600,
                check=True,
            )
            answer = json.loads(run.stdout)
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            return Answer(
                missing=f"{type(error).__name__}: {getattr(error, 'stderr', '') or error}"[-200:].replace("\n", " ")
            )
        return Answer(
            found=answer.get("found", []), seconds=answer.get("seconds", 0.0), missing=answer.get("missing", "")
        )

"""Where a run comes from: code, packages, hardware, time and command."""

from __future__ import annotations

import functools
import os
import platform
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lcs.runs.numeric_core import NUMERIC, PACKAGE, WITHOUT_NUMBERS, code_hash

if TYPE_CHECKING:
    import torch

NUMERIC_PACKAGES = ("torch", "torchvision", "numpy")
CPUINFO = Path("/proc/cpuinfo")
# folders of an absolute path, or of one below a home, where an argument or its value begins
FOLDERS = re.compile(r"(?:^|(?<=[=,:])|(?<=^-\w))(?:~\w*|[A-Za-z]:)?[\\/](?:.*[\\/])?")


def provenance(device: torch.device) -> dict[str, Any]:
    """Where a run that begins now on this device comes from. JSON-ready."""
    import torch

    # a package that is installed inside another project is not that project's
    tracked = _git("ls-files", "--error-unmatch", "--", str(PACKAGE / "__init__.py")) is not None
    counted = [f"lcs/{name}" for name in NUMERIC]
    counted += [*(f":(exclude)lcs/{name}" for name in WITHOUT_NUMBERS), "requirements.lock"]
    status = _git("status", "--porcelain", "--", *counted) if tracked else None
    versions = {name: metadata.version(name) for name in NUMERIC_PACKAGES}
    return {
        "commit": _git("rev-parse", "HEAD") if tracked else None,
        "unmodified": None if status is None else status == "",
        "code": code_hash(),
        "packages": {"python": platform.python_version(), **versions},
        "device": device.type,
        "hardware": hardware(device),
        "threads": torch.get_num_threads() if device.type == "cpu" else None,
        # of which ATEN_CPU_CAPABILITY may allow fewer than the processor has
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command(sys.argv),
    }


def command(arguments: Sequence[str]) -> str:
    """Command line without the folders of this machine: of absolute paths only the name is kept."""
    program = Path(arguments[0])
    name = program.parent.name if program.name == "__main__.py" else program.name
    words = [name, *(FOLDERS.sub("", word.rstrip("\\/")) for word in arguments[1:])]
    return " ".join(words).encode(errors="backslashreplace").decode()


def hardware(device: torch.device) -> str:
    """Name of the accelerator or the processor, with a generation that the name may leave out."""
    if device.type == "cuda":
        import torch

        return torch.cuda.get_device_name(device)
    first = CPUINFO.read_text(encoding="utf-8").partition("\n\n")[0] if CPUINFO.exists() else ""
    lines = [line.partition(":") for line in first.splitlines()]
    facts = {key.strip(): value.strip() for key, _, value in lines}
    if not (name := facts.get("model name")):
        return platform.processor() or platform.machine()
    numbers = [f"{key.split()[-1]} {facts[key]}" for key in ("cpu family", "model") if key in facts]
    generation = f" ({', '.join(numbers)})" if numbers else ""
    return f"{name}{generation}, {os.cpu_count()} cores"


def plain_environment() -> dict[str, str]:
    """Return the environment without the repository that a git hook names to all it starts."""
    return {k: v for k, v in os.environ.items() if not re.match("GIT_(?!CONFIG)", k)}


@functools.cache
def _git(*arguments: str) -> str | None:
    """Output of a git command; None without git or outside a repository."""
    command, known = ["git", "-C", str(PACKAGE.parent), *arguments], plain_environment()
    try:
        done = subprocess.run(command, capture_output=True, env=known, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace").strip()

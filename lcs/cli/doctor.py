"""`lcs doctor`: what this machine has and can do."""

from __future__ import annotations

import typer

from lcs.cli.options import Device


def doctor(device: Device = "auto") -> None:
    """Say what this machine has and can do, in about a minute; exit 1 if a check fails."""
    from lcs.doctor import examine
    from lcs.train.device import choose_device

    failed = False
    for good, text in examine(choose_device(device)):
        mark = {None: "-", True: "ok", False: "FAIL"}[good]
        print(f"{mark:5}{text}", flush=True)
        failed |= good is False
    raise typer.Exit(failed)

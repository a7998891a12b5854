"""Timing side by side, for the benchmarks beside this file; run alone it does nothing."""

from __future__ import annotations

import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from lcs.errors import ConfigError
from lcs.runs.provenance import provenance
from lcs.train.device import choose_device

Times = dict[str, list[float]]


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def synchronised(action: Callable[[], object], device: torch.device) -> Callable[[], None]:
    """Return an action that ends when the device has done it."""

    def once() -> None:
        action()
        if device.type == "cuda":
            torch.cuda.synchronize()

    return once


def interleaved(
    actions: Mapping[str, Callable[[], object]], *, repeats: int, warm_ups: int = 1
) -> Times:
    """Seconds of each action in every round: what slows the machine down slows all of them."""
    for _ in range(warm_ups):
        for action in actions.values():
            action()
    times: Times = {name: [] for name in actions}
    for _ in range(repeats):
        for name, action in actions.items():
            times[name].append(seconds(action))
    return times


def device_asked() -> torch.device:
    """Return the device that the command line names first, or end in one line."""
    try:
        return choose_device(sys.argv[1] if len(sys.argv) > 1 else "cpu")
    except ConfigError as error:
        sys.exit(f"{sys.argv[0]}: error: {error}")


def native_bf16() -> bool:
    """Whether this processor multiplies bf16 itself, by AVX-512 or AMX."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


class Report:
    """Tables of a benchmark: printed, and kept in `_build/benchmarks/<name>-<device>.json`.

    Copied to `book/benchmarks`, the file is what the book's chapter on the engine shows.
    """

    def __init__(self, name: str, device: str = "cpu") -> None:
        self.path = Path("_build/benchmarks") / f"{name}-{device}.json"
        self.machine = machine(torch.device(device))
        self.tables: list[dict[str, Any]] = []
        print(" · ".join(f"{name}: {value}" for name, value in self.machine.items()), "\n")

    def table(
        self,
        title: str,
        times: Times,
        *,
        unit: str,
        scale: float = 0.0,
        ratios: Iterable[tuple[str, str, str]] = (),
        measured: str,
        **fields: Any,
    ) -> None:
        """Print and keep the times of some actions, in a unit of which `scale` make a second.

        `ratios` are of two actions, taken round by round, and what they were to be: (numerator,
        denominator, "<= 2.5" or ""). The book looks the table up by `measured` and other fields.
        """
        scale = scale or (1e3 if unit.startswith("milli") else 1.0)
        repeats = len(next(iter(times.values())))
        print(title, f"\n\n{f'{unit}, {repeats} repeats':52} {'median':>8} {'range':>19}")
        shown = {name: _rounded(scale * value for value in times[name]) for name in times}
        for name, values in shown.items():
            _print(name, values)
        quotients = []
        for above, below, target in ratios:
            name = f"{above} / {below}"
            pairs = zip(times[above], times[below], strict=True)
            low, middle, high = _print(name, [a / b for a, b in pairs], target)
            spread = {"median": middle, "lowest": low, "highest": high}
            quotients.append({"ratio": name, **spread, "target": target})
        print()
        kept = {"title": title, "measured": measured, **fields, "repeats": repeats, "unit": unit}
        self.tables.append(kept | {"times": shown, "ratios": quotients})
        self.path.parent.mkdir(parents=True, exist_ok=True)
        document = {"machine": self.machine, "tables": self.tables}
        self.path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def machine(device: torch.device) -> dict[str, Any]:
    """What the times depend on."""
    origin = provenance(device)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "hardware": origin["hardware"],
        "usable cores": cores,
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "native bf16": native_bf16(),
        "torch": origin["packages"]["torch"],
        "python": origin["packages"]["python"],
        "commit": origin["commit"],
        "unmodified": origin["unmodified"],
    }


def _print(name: str, values: list[float], target: str = "") -> list[float]:
    low, middle, high = _rounded((min(values), statistics.median(values), max(values)))
    asked = f"   to be {target}" if target else ""
    print(f"{name:52} {middle:8.2f} {low:9.2f} – {high:.2f}{asked}")
    return [low, middle, high]


def _rounded(values: Iterable[float]) -> list[float]:
    return [float(f"{value:.4g}") for value in values]

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
    """What a benchmark prints, and keeps in a file for the book's chapter on the engine.

    Args:
        name: of the benchmark.
        device: that it ran on.

    The file is `_build/benchmarks/<name>-<device>.json`; copy it to `book/benchmarks` to publish.
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
        scale: float,
        ratios: Iterable[tuple[str, str, str]] = (),
        measured: str,
        **fields: Any,
    ) -> None:
        """Print and keep the times of some actions, in a unit of which `scale` make a second.

        `ratios` are of two actions, taken round by round: (numerator, denominator, target). A
        target reads ">= 8" or "<= 2.5"; "" is none. By `measured` and further fields, as `model`
        and `base_channels`, the book looks the table up.
        """
        shown = {name: [scale * value for value in values] for name, values in times.items()}
        quotients = [_quotient(times, *ratio) for ratio in ratios]
        print(title, "\n")
        _print(shown, unit)
        if quotients:
            _print_ratios(quotients)
        rounded = {name: [_rounded(value) for value in values] for name, values in shown.items()}
        repeats = len(next(iter(times.values())))
        kept = {"title": title, "measured": measured, **fields, "repeats": repeats, "unit": unit}
        self._keep(kept | {"times": rounded, "ratios": quotients})

    def shares(
        self, title: str, shares: Mapping[str, float], *, measured: str, **fields: Any
    ) -> None:
        """Print and keep shares that were counted, and do not depend on the machine."""
        print(title, *(f"{name:36} {share:9.2%}" for name, share in shares.items()), "", sep="\n")
        kept = {name: _rounded(share) for name, share in shares.items()}
        self._keep({"title": title, "measured": measured, **fields, "shares": kept})

    def _keep(self, table: dict[str, Any]) -> None:
        self.tables.append(table)
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


def _quotient(times: Times, above: str, below: str, target: str) -> dict[str, Any]:
    values = [a / b for a, b in zip(times[above], times[below], strict=True)]
    low, middle, high = (_rounded(value) for value in _summary(values))
    return {
        "ratio": f"{above} / {below}",
        "median": middle,
        "lowest": low,
        "highest": high,
        "target": target,
        "met": _met(middle, target),
    }


def _met(value: float, target: str) -> bool | None:
    if not target:
        return None
    sign, bound = target.split()
    return value >= float(bound) if sign == ">=" else value <= float(bound)


def _print(shown: Times, unit: str) -> None:
    repeats = len(next(iter(shown.values())))
    print(f"{unit + f', {repeats} repeats':36} {'median':>9} {'range':>19}")
    for name, values in shown.items():
        low, middle, high = _summary(values)
        print(f"{name:36} {middle:9.2f} {low:9.2f} – {high:.2f}")
    print()


def _print_ratios(quotients: Iterable[Mapping[str, Any]]) -> None:
    print(f"{'ratio, round by round':52} {'median':>6} {'range':>14}   target")
    for one in quotients:
        span = f"{one['lowest']:.2f} – {one['highest']:.2f}"
        verdict = {True: "met", False: "missed", None: "–"}[one["met"]]
        print(f"{one['ratio']:52} {one['median']:6.2f} {span:>14}   {one['target']} {verdict}")
    print()


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


def _summary(values: list[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)

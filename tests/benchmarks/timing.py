"""Timing side by side, for the benchmarks beside this file; run alone it does nothing."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Mapping

import torch
import torchvision

from lcs.runs import hardware

Times = dict[str, list[float]]


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


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


def native_bf16() -> bool:
    """Whether this processor multiplies bf16 itself, by AVX-512 or AMX."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def print_machine() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    print(
        f"{hardware(torch.device('cpu'))}; {cores} usable, {torch.get_num_threads()} threads; "
        f"{torch.backends.cpu.get_cpu_capability()}, "
        f"{'native' if native_bf16() else 'no native'} bf16\n"
        f"Python {platform.python_version()}, torch {torch.__version__}, "
        f"torchvision {torchvision.__version__}\n"
    )


def print_times(times: Times, *, unit: str, scale: float) -> None:
    """Print the median and range of each action, in a unit of which `scale` make a second."""
    repeats = len(next(iter(times.values())))
    print(f"{unit + f', {repeats} repeats':36} {'median':>9} {'range':>19}")
    for name, values in times.items():
        low, middle, high = (scale * value for value in _summary(values))
        print(f"{name:36} {middle:9.2f} {low:9.2f} – {high:.2f}")
    print()


def print_ratios(times: Times, ratios: Iterable[tuple[str, str, str]]) -> None:
    """Print the ratios of two actions, taken round by round: (numerator, denominator, target).

    A target reads ">= 8" or "<= 2.5"; "" is none.
    """
    print(f"{'ratio, round by round':52} {'median':>6} {'range':>14}   target")
    for above, below, target in ratios:
        quotients = [a / b for a, b in zip(times[above], times[below], strict=True)]
        low, middle, high = _summary(quotients)
        span = f"{low:.2f} – {high:.2f}"
        print(f"{f'{above} / {below}':52} {middle:6.2f} {span:>14}   {_verdict(middle, target)}")
    print()


def _summary(values: list[float]) -> tuple[float, float, float]:
    return min(values), statistics.median(values), max(values)


def _verdict(value: float, target: str) -> str:
    if not target:
        return "–"
    sign, bound = target.split()
    met = value >= float(bound) if sign == ">=" else value <= float(bound)
    return f"{target} {'met' if met else 'missed'}"

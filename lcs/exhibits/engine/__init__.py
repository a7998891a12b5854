"""The engine: a training step counted, its estimated floor, and what was measured.

`benchmarks` reads what `make bench` measured, `steps` has training steps, `inference` trained
networks in use.
"""

from __future__ import annotations

from lcs.exhibits.engine import inference, steps
from lcs.exhibits.verdicts import BENCHMARK, Claim, ours

# the engine is timed by `make bench`, not by studies
STUDIES = ()

EXACT = "Sparsity can be used for speed, with the algorithm as it is"
FROZEN = "Sparse weights in dense layers can be used for speed (frozen zeros)"
PROVED = "A quarter of the gradient's terms proves of nine units in ten that no zero returns"
IN_USE = "A sparse network is faster in use than a dense one at the densities that β-LASSO leaves"
NO_GAIN = "Neither exporting nor dropping dead units gains"
CLAIMS: tuple[Claim, ...] = (
    Claim("P", EXACT, BENCHMARK, steps.faster("exact"), "future work"),
    Claim("F", FROZEN, BENCHMARK, steps.faster("frozen"), "a question"),
    ours(PROVED, BENCHMARK, steps.proved),
    ours(IN_USE, BENCHMARK, inference.in_use),
    ours(NO_GAIN, BENCHMARK, inference.no_gain),
)

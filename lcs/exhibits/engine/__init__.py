"""The engine: a training step, its estimated floor, and what was measured.

`benchmarks` reads what `make bench` measured, `steps` has training steps, `inference` trained
networks in use.
"""

from lcs.exhibits.engine import inference, steps
from lcs.exhibits.shared.verdicts import BENCHMARK, Claim, ours

# the engine is timed by `make bench`, not by studies
STUDIES = ()

EXACT = "Sparsity can be used for speed, with the algorithm as it is"
FROZEN = "Sparse weights in dense layers can be used for speed (frozen zeros)"
PROVED = "A quarter of the gradient's terms proves of nine units in ten that no zero returns"
IN_USE = "A sparse network is faster in use than a dense one at the densities that β-LASSO leaves"
NO_GAIN = "Neither exporting nor dropping dead units gains"
CLAIMS = {
    EXACT: Claim("P", BENCHMARK, steps.faster("exact"), "future work"),
    FROZEN: Claim("F", BENCHMARK, steps.faster("frozen"), "a question"),
    PROVED: ours(BENCHMARK, steps.proved),
    IN_USE: ours(BENCHMARK, inference.in_use),
    NO_GAIN: ours(BENCHMARK, inference.no_gain),
}

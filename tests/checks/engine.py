"""What pages that are not on lcs.analysis yet say of the engine."""

from checks import check
from lcs.analysis.benchmarks import load_benchmark


@check
def whole_run_gains_little(_):
    """At α = 8 a whole exact run is a few per cent faster than the dense one."""
    (times,) = load_benchmark("bound").query("measured == 'whole run'").times
    return 0.93 < sum(times["exact"][1:]) / sum(times["dense"][1:]) < 1

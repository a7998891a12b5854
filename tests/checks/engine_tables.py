"""What the appendix of the engine says; its statements are the page's own too."""

from checks import Checks, engine

CHECKS = Checks()
for check in (engine.kept_memory_gains_little, engine.foreach_gains_nothing):
    CHECKS.add(check)

"""Studies: the runs behind a table or a figure, and how the missing ones are made.

`study` lists runs, `cost` says what the missing ones take, and `options` where they train, in how
many processes and for how long. `scheduler` hands them to one of the `executors`: this process,
several, or Ray.
"""

from lcs.study.study import SCALES, Setting, Study

__all__ = ["SCALES", "Setting", "Study"]

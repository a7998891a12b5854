"""Studies: the runs behind a table or a figure, and how the missing ones are made.

`study` is a list of runs of networks, `base_study` what all studies share, also the toy's.
`scheduler` hands missing runs to one of the `executors`: this process, several, or Ray.
"""

from lcs.study.study import Study

__all__ = ["Study"]

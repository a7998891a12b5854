"""Training: one run or several in step, on any device, resumable.

`loop` is the training loop, of one run or of several runs in step, as a group, which `grouping`
makes up. `setup` makes the network, loss and optimizer of a run, `step` takes a step of training,
`run` trains an epoch and resumes, `recording` has what is recorded, `checkpoint` the state that is
saved, and `clock` says when. `source_check` refuses a source that does not fit. `replay` trains the
first epochs of a record anew and compares; `device` chooses the device, and `cuda_graphs` replays
a step on a GPU as one graph.
"""

from lcs.train.grouping import groups
from lcs.train.loop import train, train_group

__all__ = ["groups", "train", "train_group"]

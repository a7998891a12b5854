"""Training: one run or several in step, on any device, resumable.

`training` trains runs to their records, also from the network of another one, which `source_check`
may refuse. `loop` is the training loop, which takes its batches from `batches` and its steps from
`step`. `setup` makes network and optimizer, `recording` says what is recorded, `checkpoint` what is
saved, `time_budget` when. `replay` trains the first epochs of a record anew and compares; `device`
chooses the device, and `cuda_graphs` replays a step on a GPU as one graph.
"""

from lcs.train.training import groups, train, train_group

__all__ = ["groups", "train", "train_group"]

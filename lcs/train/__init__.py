"""Training: one run or several in step, on any device, resumable.

`training` trains runs to their records, by the loop of `loop`, whose batches come from `batches`
and whose steps from `step`; `replay` trains the first epochs of a record anew and compares.
"""

from lcs.train.training import groups, train, train_group

__all__ = ["groups", "train", "train_group"]

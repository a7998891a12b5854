"""Learning Convolutions from Scratch: β-LASSO, its networks, and the runs behind the book.

Packages of the library:

- `data`: data sets as checked arrays, their sources and augmentation.
- `models`: the paper's networks, embeddings, and networks that start from another one.
- `optim`: β-LASSO and its neighbours, masks, and fast forms of their steps.
- `train`: one run or several, from a configuration to a record; batches, checkpoints, replays.
- `measure`: non-zeros, locality, weight sharing and equivariance.
- `runs`: records of finished runs, and the store that holds them.
- `config`: all that changes the numbers of a run.
- `study`: lists of runs, what they cost, and where the missing ones are trained.

`exhibits` is what the book shows, from records to pages; nothing above imports it.

- `cli`: the command line.

Single files: `shapes` (sizes of layers), `seeds` (random streams), `stats` (means with intervals),
`errors`, `files` (files that appear whole or not at all) and `doctor` (what this machine can do).
"""

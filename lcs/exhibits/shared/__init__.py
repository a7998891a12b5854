"""What several exhibits share; nothing here imports an exhibit.

`settings` (how runs are trained), `declare` (the studies of an exhibit), `methods` (their names),
`searches` (of hyperparameters; what they chose is in `chosen.json`), `claim_settings` (where the
paper's claims are judged).
"""

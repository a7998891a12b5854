"""What several exhibits share; nothing here imports an exhibit.

- What is run: `settings` (how runs are trained), `declare` (the studies of an exhibit), `methods`
  (their names), `searches` (of hyperparameters; what they chose is in `chosen.json`), `published`
  (what others have published), `claim_settings` (where the paper's claims are judged).
- What is found: `compare` (runs by condition, paired by seed), `locality` (of filters, over seeds),
  `filter_surrogates` (filters beside others as sparse), `gap` (between S-FC and S-LOCAL),
  `verdicts` (claims and how they are judged).
- What a page shows: `cells` (of tables and prose), `tables`, `plots`.
"""

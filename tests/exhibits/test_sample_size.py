"""The runs of `sample_size` differ in what they learn from, not in how long they train."""

from lcs.exhibits import find_study
from lcs.study.cost import training_images
from lcs.train.batches import steps_per_epoch


def test_every_run_takes_about_as_many_steps():
    configs = find_study("sample-size").configs("desk", 1)
    steps = [
        steps_per_epoch(training_images(c) // c.epochs, c.batch_size) * c.epochs for c in configs
    ]
    assert max(steps) / min(steps) < 1.05
    assert {c.replace(train_share=1.0, epochs=50) for c in configs} == {
        c for c in configs if c.train_share == 1
    }

"""Networks on permuted pixels: which runs are compared, and what the page says of them."""

from helpers.made_up_records import study

from lcs.exhibits import find_study, permuted


def records(change):
    """Records in which a permutation changes the accuracy of a network by so many points."""

    def accuracy(config):
        return 60 + config.seed + (change(config.model) if config.permute_pixels else 0)

    return study("permuted", accuracy)


def loses_if_local(model):
    return -20 if model in ("s-local", "s-conv") else 0.1 if model == "s-fc" else 0.2


def test_every_run_has_its_twin_on_images():
    configs = find_study("permuted").configs("desk", 2)
    twins = {config for config in configs if not config.permute_pixels}
    assert {permuted.plain(config) for config in configs} == twins
    assert len(configs) == 2 * len(twins)
    assert all(config.augment == "flip-crop" and config.epochs == 100 for config in configs)


def test_what_a_permutation_changes():
    runs = records(loses_if_local)
    words = permuted.numbers(runs)
    assert words["permuted-sgd"].startswith("+0.10")
    assert words["permuted-local"].startswith("−20.00")
    rows = permuted.permuted_table(runs).rows
    assert len(rows) == len(permuted.WIDTHS) * 5
    assert {row[2].split(" ")[0] for row in rows} == {"61.00"}

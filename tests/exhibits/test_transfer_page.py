"""What the chapter `transfer` computes, on records made up so that every answer is known."""

import pytest
from helpers.made_up_records import made_up

from lcs.exhibits import find_study, transfer
from lcs.exhibits.shared.methods import B50, LOCAL, method
from lcs.exhibits.shared.verdicts import verdict

GAIN = {
    "ticket": 3.0, "mask": 2.5, "first-mask": 2.0, "rewired-mask": -1.0, "random-mask": -2.0,
    "frozen-first-layer": 1.0, "first-layer": 4.0,
}  # fmt: skip


def accuracy(config):
    found = {B50: 5.0, LOCAL: 8.0}.get(method(config), 0.0)
    if config.source is not None:
        found = (
            GAIN[config.start]
            - 2.5 * (not transfer.is_sparse(config))
            + (10.0 if transfer.source_dataset(config) == config.dataset else 0.0)
        )
    # on CIFAR-100 half as much
    share = 1.0 if config.dataset == "cifar10" else 0.5
    return 60.0 * share + share * found + config.seed


@pytest.fixture
def records():
    runs = [made_up(config, accuracy(config)) for config in find_study("transfer").configs("desk")]
    for number, run in enumerate(run for run in runs if run.config.source):
        run.provenance["source_as_recorded"] = number > 0
    return runs


def test_the_wider_study_has_what_the_questions_need():
    configs = find_study("transfer-wider").configs("desk", 1)
    assert {(c.base_channels, c.epochs) for c in configs} == {(4, 200)}
    stems = {config.as_source for config in configs if config.source is None}
    assert {config.source for config in configs if config.source} <= stems
    crossed = {
        transfer.start_name(c) for c in configs if transfer.source_dataset(c) not in ("", c.dataset)
    }
    frozen = {"first layer, frozen", "first layer, frozen, by SGD"}
    assert crossed == {"masks", "masks, rewired", "first layer's mask"} | frozen


def test_windows_are_a_mask_of_their_own(records):
    masked = [made_up(c, 50.0) for c in find_study("transfer-windows").configs("desk", 3)]
    assert {transfer.start_name(run.config) for run in masked} == {"S-LOCAL's windows as a mask"}
    assert {run.config.dataset for run in masked} == {*transfer.ORIGINS}
    rows = transfer.transfer_table("transfer", [*records, *masked]).rows
    shown = [row for row in rows if row[1].startswith("S-LOCAL's windows")]
    assert [row[3] for row in shown] == ["−11.00 ± 2.48", "+19.00 ± 2.48"]


@pytest.mark.parametrize("changes", [{}, {"l1": 1e-3}, {"momentum": 0.5}])
def test_each_source_is_a_run_of_the_study(changes):
    configs = find_study("transfer").configs("desk", 1, **changes)
    stems = {config.as_source for config in configs if config.source is None}
    assert {config.source for config in configs if config.source} < stems
    others = [c for c in configs if c.source and transfer.source_dataset(c) != c.dataset]
    taken = [c.start for c in others if transfer.is_sparse(c)]
    assert sorted(taken) == sorted([*transfer.TAKEN] * 2)
    assert sorted(c.start for c in others if not transfer.is_sparse(c)) == sorted(
        [*transfer.OF_SGD] * 2
    )


def test_networks_without_a_source_are_shared_with_other_numbers_of_images():
    plain = set(find_study("sample-size").configs("desk", 1))
    nothing = [c for c in find_study("transfer").configs("desk", 1) if c.source is None]
    assert {c for c in nothing if c.dataset == "cifar10"} <= plain
    assert len(nothing) == 6


def test_words_are_gains_on_the_same_data(records):
    words = transfer.numbers({"transfer": records, "transfer-wider": []})
    assert words["rewired-cifar10"] == "3.50 ± 0.00"
    assert words["masks-cifar100"] == "+1.25 ± 0.00"
    assert words["transfer-sources"] == "65 of 66"
    assert words["own-over-sgd"] == words["wider-masks-cifar100"] == "pending"


def test_masks_trained_anew_are_compared_with_rewired_ones_and_with_random_weights():
    configs = find_study("transfer-wider").configs("desk")
    runs = [made_up(config, accuracy(config)) for config in configs]
    for run in runs:
        run.provenance["source_as_recorded"] = True
    assert {c.source for c in configs} - {None} <= {c.as_source for c in configs}
    words = transfer.numbers({"transfer": [], "transfer-wider": runs})
    assert words["wider-n"] == "3"
    assert words["own-over-sgd"] == "12.50 ± 0.00"
    assert words["own-over-sparse"] == "7.50 ± 0.00"
    local = next(accuracy(run.config) for run in runs if run.config.model == "s-local")
    plain = next(
        accuracy(c) for c in configs if c.model == "s-fc" and transfer.start_name(c) == "SGD"
    )
    share = round(100 * 12.5 / (local - plain))
    assert words["own-gap"] == f"{share} ({share} to {share})"
    assert words["others-over-rewired"] == "3.50 ± 0.00"
    claims = transfer.CLAIMS.values()
    pruned = [made_up(c, accuracy(c)) for c in find_study("pruned-masks").configs("desk")]
    found = [
        claim.judge(runs + pruned if "pruned-masks" in claim.study else runs)
        for claim in claims
        if "transfer-wider" in f"{claim.study} {claim.also}"
    ]
    assert [one.evidence.mean for one in found] == pytest.approx([2.5, 3.5, 2.5, 12.5, 7.5, 2.5])


def test_claims_are_of_masks_of_the_other_data_set(records):
    claims = [claim for claim in transfer.CLAIMS.values() if claim.study == "transfer"]
    found = [claim.judge(records) for claim in claims]
    assert [one.evidence.mean for one in found] == pytest.approx([2.5, 3.5, -0.5, 2.5])
    assert [verdict(one) for one in found] == ["holds", "holds", "agrees", "holds"]


def test_table_and_figure_have_every_start(records):
    rows = transfer.transfer_table("transfer", records).rows
    assert len(rows) == 28
    assert transfer.transfer_table("transfer", records).caption.count("CIFAR-10 and CIFAR-100") == 1
    said = {(row[0], row[1]): row[3] for row in rows}
    assert said["CIFAR-10", "CIFAR-100's masks"] == "+2.50 ± 0.00"
    assert said["CIFAR-10", "CIFAR-100's first layer, frozen, by SGD"] == "−1.50 ± 0.00"
    assert said["CIFAR-100", "its own masks"] == "+6.25 ± 0.00"
    over_sparse = {(row[0], row[1]): row[4] for row in rows}
    assert over_sparse["CIFAR-10", "CIFAR-100's masks"] == "−2.50 ± 0.00"
    assert over_sparse["CIFAR-100", B50.short] == "–"
    labels = [
        tick.get_text() for tick in transfer.transfer_figure(records).axes[0].get_yticklabels()
    ]
    assert labels.count("CIFAR-100's masks") == labels.count("CIFAR-10's masks") == 1

"""The toy LASSO: its update, its theory, the whole experiment, and claims judged by its record."""

import dataclasses

import pandas as pd
import pytest
import torch
from sklearn.linear_model import Lasso

from lcs.analysis.claims import CONTRADICTED, HOLDS
from lcs.analysis.runs import frame
from lcs.errors import ConfigError
from lcs.exhibits import toy
from lcs.exhibits.toy import experiment, problems, resting_points
from lcs.exhibits.toy.config import DESK, SMOKE, ToyConfig
from lcs.exhibits.toy.problems import TRUE
from lcs.optim import BetaLasso, ProximalL1
from lcs.runs import BOOK_RUNS, RunStore

SMALL = SMOKE.replace(problems=40)


@pytest.fixture(scope="module")
def drawn():
    return problems.draw(SMALL, 50)


@pytest.fixture(scope="module")
def results():
    return experiment.run(SMOKE)


def grid_of(optimizer="beta-lasso", **values):
    return problems.Grid.of(SMALL.replace(**values), optimizer)


def ideal():
    """One problem as if it had infinitely many observations: G is diagonal."""
    gram = torch.eye(10, dtype=torch.float64)[None].clone()
    gram[:, TRUE, TRUE] = 0.25
    return problems.Problems(torch.empty(0), torch.empty(0), gram, 2 * gram[:, TRUE], gram[:, 0])


def test_problems_are_those_of_the_seed(drawn):
    assert torch.equal(drawn.features[..., TRUE] * 2, drawn.target)
    assert drawn.features.shape == (40, 50, 10)
    assert torch.equal(problems.draw(SMALL, 50).starts, drawn.starts)
    assert not torch.equal(problems.draw(SMALL.replace(seed=1), 50).features, drawn.features)


def test_solve_is_scikit_learns_lasso_at_half_the_l1(drawn):
    l1s = (0.02, 0.5, 0.1)  # in no order
    solutions = problems.solve(drawn, l1s).numpy()
    for index in range(3):
        x, y = drawn.features[index].numpy(), drawn.target[index].numpy()
        for column, l1 in enumerate(l1s):
            lasso = Lasso(alpha=l1 / 2, fit_intercept=False, tol=1e-12).fit(x, y)
            assert solutions[index, :, column] == pytest.approx(lasso.coef_, abs=1e-8)


@pytest.mark.parametrize("beta", [0.0, 0.1, 2.0, 8.0, None])
def test_columns_are_trained_as_the_optimizers_do(drawn, beta):
    """β-LASSO, and without β the proximal step, with torch's autograd."""
    few = problems.Problems(*(tensor[:4] for tensor in drawn))
    values = {"l1s": (0.05,), "scales": (0.7,), "betas": (1.0, beta or 0.0, 5.0)}
    grid = grid_of("proximal-l1" if beta is None else "beta-lasso", **values)
    start = 0.7 * few.starts
    starts = start[..., None].expand(-1, -1, len(grid.l1))
    ends, _ = problems.gradient_descent(few, grid, starts, [0.1] * 40)
    for index, weight in enumerate(start):
        weight = weight.clone().requires_grad_()
        kind, own = (ProximalL1, {}) if beta is None else (BetaLasso, {"beta": beta})
        optimizer = kind([weight], lr=0.1, l1=0.05, **own)
        for _ in range(40):
            optimizer.zero_grad()
            (few.features[index] @ weight - few.target[index]).square().mean().backward()
            optimizer.step()
        ours = ends[index, :, 0 if beta is None else 1]
        torch.testing.assert_close(ours, weight.detach(), rtol=0, atol=1e-12)
        assert torch.equal(ours == 0, weight == 0)


def test_proximal_descent_reaches_the_exact_lasso(drawn):
    grid = grid_of("proximal-l1")
    start = drawn.starts[..., None] * grid.scale
    end, settled = problems.gradient_descent(drawn, grid, start, [0.1] * 1500)
    torch.testing.assert_close(end, problems.solve(drawn, SMALL.l1s)[..., grid.l1_index])
    assert settled.all()


def test_a_lasso_solution_rests_exactly_if_an_update_leaves_it():
    values = {"betas": (0.0, 0.02, 0.05, 0.1, 1.0, 5.0, 20.0), "l1s": (0.05, 0.2, 0.6)}
    narrow = problems.draw(SMALL, 15)  # so few observations that all conditions are met and missed
    grid = grid_of(**values)
    lasso = problems.solve(narrow, values["l1s"])[..., grid.l1_index]
    moved = grid.step(lasso, problems.gradient(narrow.gram, narrow.cross, lasso), 0.1)
    rests = resting_points.rests(narrow, grid, lasso, 0.1)
    assert torch.equal(rests, ((moved - lasso).abs() < 1e-7).all(dim=1))
    assert 0.1 < rests.double().mean() < 0.9


@pytest.mark.parametrize(
    ("beta", "schedule", "region"),
    [
        (0.0, "constant", "never"),  # no zeros at all
        (0.055, "constant", "depends"),  # weights bounce around zero
        (0.056, "constant", "always"),  # at 0.1 / (2 - 0.2 * 1), they cannot
        (0.02, "cosine", "always"),  # until the step is too small for that
        (0.9, "constant", "always"),
        (1.1, "constant", "depends"),  # the dead zone holds the true feature
        (17.9, "cosine", "depends"),
        (18.1, "constant", "never"),  # its coefficient is 1.8
    ],
)
def test_regions_of_the_ideal_problem(beta, schedule, region):
    lasso = torch.zeros(1, 10, 1, dtype=torch.float64)
    lasso[0, TRUE] = 1.8
    grid = grid_of(betas=(beta,), l1s=(0.1,), scales=(1.0,))
    rates = problems.step_sizes(schedule, 0.1, 200)
    found, expected = resting_points.predict(ideal(), lasso, grid, lasso, rates)
    assert resting_points.REGIONS[found.item()] == region
    assert expected.item() == (region != "never")  # the start is the solution itself
    assert resting_points.cannot_stay_dead(ideal(), grid, 0.1).item() == (beta < 1)
    assert resting_points.boundaries(0.1, 0.1) == pytest.approx((1.0, 18.0))


@pytest.mark.parametrize("beta", [2.0, 15.0])
def test_the_smallest_start_divides_recovery_from_death(beta):
    smallest = resting_points.smallest_start(beta, 0.1, 0.1)
    scales = (smallest * 1.01, smallest * 0.99, -smallest)
    grid = grid_of(betas=(beta,), l1s=(0.1,), scales=scales)
    theta = torch.zeros(1, 10, 3, dtype=torch.float64)
    theta[0, TRUE] = torch.tensor(scales)
    end, _ = problems.gradient_descent(ideal(), grid, theta, [0.1] * 300)
    assert end[0, TRUE].tolist() == pytest.approx([1.8, 0, 0], abs=1e-5)


def test_experiment_confirms_what_theory_promises(results):
    cells = pd.DataFrame(results["cells"])
    assert len(cells) == 2 * 2 * (5 + 1) * 2 * 2
    assert cells[["always", "depends", "never"]].sum(axis=1).to_numpy() == pytest.approx(1)
    cells = cells[cells.optimizer == "beta-lasso"]
    steady = cells[(cells.observations == 100) & (cells.l1 == 0.02)]
    assert (steady[steady.beta == 0.1].recovered == 1).all()  # beta = eta
    assert (steady[steady.beta == 0.1].distance_max < 1e-2).all()
    assert (steady[steady.beta == 100].recovered == 0).all()  # 2 exceeds the coefficient
    assert (steady[steady.beta == 0].recovered == 0).all()  # no exact zeros
    assert (steady[steady.beta == 0].rounded > 0.95).all()
    assert cells.held.mean() > 0.97
    lasso = pd.DataFrame(results["lasso"]).set_index(["observations", "l1"]).loc[(20, 0.02)]
    # whatever lambda, dummies enter exactly where the condition fails
    assert lasso.true_support == 1 - lasso.condition_fails


def test_counts_add_up_and_what_never_happens_does_not(results):
    confusion = pd.DataFrame(results["confusion"])
    by_setting = confusion.groupby(["observations", "schedule"])
    assert (by_setting[["none", "some", "all"]].sum().sum(axis=1) == 64 * 5 * 2).all()
    assert (by_setting.runs.sum() == 64 * 5 * 2 * 2).all()
    misses = pd.DataFrame(results["misses"]).groupby(["observations", "schedule"]).runs.sum()
    assert (misses == by_setting.runs.sum() - by_setting.held.sum()).all()
    steady = confusion[confusion.observations == 100].set_index("predicted")
    assert (steady.loc["never", "recovered"] == 0).all()
    always = steady.loc["always"]
    assert (always.guaranteed_recovered == always.guaranteed).all()
    assert (always.guaranteed > 0).all()


def test_trajectories_go_from_a_start_and_its_mirror_image(results):
    paths = results["trajectories"]
    assert (paths["steps"][0], paths["steps"][-1]) == (0, SMOKE.steps)
    runs = {(r["optimizer"], r["beta"], r["mirrored"]): r["weights"] for r in paths["runs"]}
    assert len(runs) == len(paths["runs"]) == 2 * (2 + 1)
    ahead, back = runs["beta-lasso", 0.1, False], runs["beta-lasso", 0.1, True]
    assert ahead[0] == [-weight for weight in back[0]]
    assert ahead[-1] == pytest.approx(paths["lasso"], abs=1e-4)
    assert runs["proximal-l1", None, False][-1] == pytest.approx(paths["lasso"], abs=1e-4)


def test_a_step_size_that_diverges_is_refused():
    config = SMOKE.replace(observations=(20,), steps=20)
    curvature = 2 * torch.linalg.eigvalsh(problems.draw(config, 20).gram).max().item()
    experiment.run(config.replace(lr=1.98 / curvature))
    with pytest.raises(ConfigError, match=r"lr: .* diverges on a problem of 20 .* 0\.\d+"):
        experiment.run(config.replace(lr=2.02 / curvature))


def test_an_experiment_is_computed_once_and_read_back(results, tmp_path):
    (study,), store = toy.STUDIES, RunStore(tmp_path)
    assert study.plan("smoke", store=store).splitlines()[-1].startswith("1 of 1 runs missing, abo")
    (record,) = study.train("smoke", store=store)
    assert record.final["confusion"] == results["confusion"]
    far = results["cells"]["distance_max"]
    assert record.final["cells"]["distance_max"] == pytest.approx(far, rel=1e-6)
    assert ToyConfig.from_dict(record.config) == SMOKE
    written = record.path.stat().st_mtime_ns
    assert study.train("smoke", store=store) == study.stored("smoke", store) == [record]
    assert record.path.stat().st_mtime_ns == written


@pytest.mark.parametrize(
    ("share", "one", "larger"),
    [
        (lambda beta, l1: 1.0, HOLDS, CONTRADICTED),
        (lambda beta, l1: 1.0 if l1 < 0.1 else 0.5, f"{HOLDS} for small λ only", HOLDS),
        (lambda beta, l1: 1.0 if beta == 50 else 0.5, CONTRADICTED, CONTRADICTED),
    ],
)
def test_claims_are_judged_by_the_worst_penalty(share, one, larger):
    """By the book's record, as if each setting had recovered this share of its problems."""
    record = RunStore(BOOK_RUNS).find(DESK)
    cells = dict(record.final["cells"])
    cells["recovered"] = [share(*pair) for pair in zip(cells["beta"], cells["l1"], strict=True)]
    runs = frame([dataclasses.replace(record, final=record.final | {"cells": cells})])
    assert [claim.judge(runs).said for claim in toy.CLAIMS.values()] == [one, larger]

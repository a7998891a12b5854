"""The toy LASSO test: its data and solutions, its update, its theory, and the whole experiment."""

import dataclasses
import json

import pandas as pd
import pytest
import torch
from sklearn.linear_model import Lasso
from torch import Tensor

from lcs.config import ToyConfig
from lcs.errors import ConfigError
from lcs.optim import BetaLasso, ProximalL1
from lcs.toy import experiment, resting_points
from lcs.toy import problems as toy

SMALL = dataclasses.replace(experiment.SMOKE, problems=40)
SCHEDULES = ("constant", "cosine")


@pytest.fixture(scope="module")
def problems() -> toy.Problems:
    return toy.draw(SMALL, 50)


@pytest.fixture(scope="module")
def results() -> dict:
    return experiment.run(experiment.SMOKE)


def ideal() -> toy.Problems:
    """One problem as if it had infinitely many observations: G is diagonal."""
    gram = torch.eye(10, dtype=torch.float64)[None].clone()
    gram[:, toy.TRUE, toy.TRUE] = 0.25
    return toy.Problems(torch.empty(0), torch.empty(0), gram, 2 * gram[:, toy.TRUE], gram[:, 0])


def train(problems: toy.Problems, start: Tensor, make, steps: int) -> Tensor:
    """Train one problem after another with a torch optimizer and autograd; start (R, 10)."""
    ends = []
    for features, target, theta in zip(problems.features, problems.target, start, strict=True):
        weight = theta.clone().requires_grad_()
        optimizer = make([weight])
        for _ in range(steps):
            optimizer.zero_grad()
            (features @ weight - target).square().mean().backward()
            optimizer.step()
        ends.append(weight.detach())
    return torch.stack(ends)


def test_the_last_feature_is_half_the_target(problems):
    assert torch.equal(problems.features[..., toy.TRUE] * 2, problems.target)
    assert problems.features.shape == (40, 50, 10)
    assert problems.features.std() == pytest.approx((9.25 / 10) ** 0.5, abs=0.02)


def test_problems_come_from_the_seed(problems):
    again = toy.draw(SMALL, 50)
    other = toy.draw(dataclasses.replace(SMALL, seed=1), 50)
    assert torch.equal(again.features, problems.features)
    assert torch.equal(again.starts, problems.starts)
    assert not torch.equal(other.features, problems.features)


def test_gradient_is_that_of_the_mean_squared_error(problems):
    theta = problems.starts[..., None].clone().requires_grad_()
    error = (problems.features @ theta).squeeze(-1) - problems.target
    error.square().mean(dim=1).sum().backward()
    grad = toy.gradient(problems.gram, problems.cross, theta.detach())
    torch.testing.assert_close(grad, theta.grad)


def test_solve_is_scikit_learns_lasso_at_half_the_l1(problems):
    l1s = (0.02, 0.5, 0.1)  # in no order
    solutions = toy.solve(problems, l1s).numpy()
    for index in range(5):
        x, y = problems.features[index].numpy(), problems.target[index].numpy()
        for column, l1 in enumerate(l1s):
            lasso = Lasso(alpha=l1 / 2, fit_intercept=False, tol=1e-12).fit(x, y)
            assert solutions[index, :, column] == pytest.approx(lasso.coef_, abs=1e-8)


def test_one_problem_has_the_solution_that_it_has_among_all(problems):
    one = problems.only(3)
    assert len(one.starts) == 1
    assert torch.equal(toy.solve(one, (0.1,)), toy.solve(problems, (0.1,))[3:4])


@pytest.mark.parametrize("beta", [0.0, 0.1, 2.0, 8.0])
def test_beta_lasso_columns_are_trained_as_the_optimizer_does(problems, beta):
    config = dataclasses.replace(SMALL, betas=(1.0, beta, 5.0), l1s=(0.05,), scales=(0.7,))
    check_training(problems, config, lambda p: BetaLasso(p, lr=0.1, l1=0.05, beta=beta), column=1)


def test_proximal_columns_are_trained_as_the_optimizer_does(problems):
    config = dataclasses.replace(SMALL, l1s=(0.3,), scales=(0.7,))
    check_training(problems, config, lambda p: ProximalL1(p, lr=0.1, l1=0.3), column=0)


def check_training(problems, config, make, column):
    few, start = head(problems, 8), 0.7 * problems.starts[:8]
    optimizer = "beta-lasso" if column else "proximal-l1"
    grid = toy.Grid.of(config, optimizer)
    starts = start[..., None].expand(-1, -1, len(grid.l1))
    ours, _ = toy.gradient_descent(few, grid, starts, [0.1] * 40)
    theirs = train(few, start, make, 40)
    torch.testing.assert_close(ours[..., column], theirs, rtol=0, atol=1e-12)
    assert torch.equal(ours[..., column] == 0, theirs == 0)


def head(problems: toy.Problems, count: int) -> toy.Problems:
    return toy.Problems(
        *(getattr(problems, field.name)[:count] for field in dataclasses.fields(problems))
    )


def test_a_weight_at_the_threshold_stays():
    theta = torch.tensor([0.5, -0.5, 0.49, 0.0], dtype=torch.float64)
    grid = toy.Grid.of(
        dataclasses.replace(SMALL, betas=(2.0,), l1s=(0.25,), scales=(1.0,)), "beta-lasso"
    )
    kept = grid.step(theta, torch.zeros(4, dtype=torch.float64), 0.0)
    assert kept.tolist() == [0.5, -0.5, 0.0, 0.0]


def test_proximal_descent_reaches_the_exact_lasso(problems):
    grid = toy.Grid.of(SMALL, "proximal-l1")
    start = problems.starts[..., None] * grid.scale
    end, settled = toy.gradient_descent(problems, grid, start, [0.1] * 1500)
    torch.testing.assert_close(end, toy.solve(problems, SMALL.l1s)[..., grid.l1_index])
    assert settled.all()


def test_a_lasso_solution_rests_exactly_if_an_update_leaves_it(problems):
    config = dataclasses.replace(
        SMALL, betas=(0.0, 0.02, 0.05, 0.1, 1.0, 5.0, 20.0), l1s=(0.05, 0.2, 0.6)
    )
    narrow = toy.draw(config, 15)  # so few observations that all conditions are met and missed
    grid = toy.Grid.of(config, "beta-lasso")
    lasso = toy.solve(narrow, config.l1s)[..., grid.l1_index]
    moved = grid.step(lasso, toy.gradient(narrow.gram, narrow.cross, lasso), 0.1)
    unmoved = ((moved - lasso).abs() < 1e-7).all(dim=1)
    rests = resting_points.rests(narrow, grid, lasso, 0.1)
    assert torch.equal(rests, unmoved)
    assert 0.1 < rests.double().mean() < 0.9


@pytest.mark.parametrize(
    ("beta", "schedule", "region"),
    [
        (0.0, "constant", "never"),  # no zeros at all
        (0.055, "constant", "depends"),  # weights bounce around zero
        (0.056, "constant", "always"),  # at 0.1 / (2 - 0.2 * 1), they cannot
        (0.02, "cosine", "always"),  # until the step is too small for that
        (0.1, "constant", "always"),  # the LASSO's own condition
        (0.9, "constant", "always"),
        (1.1, "constant", "depends"),  # the dead zone holds the true feature
        (1.1, "cosine", "depends"),
        (17.9, "constant", "depends"),
        (18.1, "constant", "never"),  # its coefficient is 1.8
        (18.1, "cosine", "never"),
    ],
)
def test_regions_of_the_ideal_problem(beta, schedule, region):
    config = dataclasses.replace(SMALL, betas=(beta,), l1s=(0.1,), scales=(1.0,))
    lasso = torch.zeros(1, 10, 1, dtype=torch.float64)
    lasso[0, toy.TRUE] = 1.8
    grid = toy.Grid.of(config, "beta-lasso")
    rates = toy.step_sizes(schedule, 0.1, 200)
    found, expected = resting_points.predict(ideal(), lasso, grid, lasso, rates)
    assert resting_points.REGIONS[found.item()] == region
    assert expected.item() == (region != "never")  # the start is the solution itself
    assert resting_points.cannot_stay_dead(ideal(), grid, 0.1).item() == (beta < 1)


def test_a_decaying_step_lets_small_thresholds_hold(problems):
    config = dataclasses.replace(SMALL, betas=(0.02,), l1s=(0.1,), scales=(1.0,))
    grid = toy.Grid.of(config, "beta-lasso")
    lasso, start = toy.solve(problems, config.l1s), problems.starts[..., None]
    regions = {
        schedule: resting_points.predict(
            problems, lasso, grid, start, toy.step_sizes(schedule, 0.1, 600)
        )[0]
        for schedule in SCHEDULES
    }
    assert (regions["constant"] == resting_points.NEVER).double().mean() > 0.8
    assert (regions["cosine"] == resting_points.ALWAYS).double().mean() > 0.9


def test_boundaries_are_those_of_the_ideal_problem():
    assert resting_points.boundaries(0.1, 0.1) == pytest.approx((1.0, 18.0))
    assert resting_points.boundaries(2.0, 0.1)[1] == 0


@pytest.mark.parametrize("beta", [2.0, 5.0, 15.0])
def test_the_smallest_start_divides_recovery_from_death(beta):
    config = dataclasses.replace(SMALL, betas=(beta,), l1s=(0.1,), scales=(1.0,))
    grid = toy.Grid.of(config, "beta-lasso")
    smallest = resting_points.smallest_start(beta, 0.1, 0.1)
    ends = []
    for start in (smallest * 1.01, smallest * 0.99, -smallest):
        theta = torch.zeros(1, 10, 1, dtype=torch.float64)
        theta[0, toy.TRUE] = start
        end, _ = toy.gradient_descent(ideal(), grid, theta, [0.1] * 300)
        ends.append(end[0, toy.TRUE].item())
    assert ends == pytest.approx([1.8, 0, 0], abs=1e-5)


def test_settled_tells_bouncing_from_rest():
    config = dataclasses.replace(SMALL, betas=(0.02, 0.1), l1s=(0.1,), scales=(1.0,))
    start = torch.full((1, 10, 2), 0.3, dtype=torch.float64)
    grid = toy.Grid.of(config, "beta-lasso")
    end, settled = toy.gradient_descent(ideal(), grid, start, [0.1] * 400)
    assert settled.tolist() == [[False, True]]
    height = 0.1 * 0.1 / (2 * (1 - 0.1))
    assert end[0, 0, 0].abs().item() == pytest.approx(height)


def test_cosine_ends_near_zero():
    rates = toy.step_sizes("cosine", 0.1, 100)
    assert rates[0] == 0.1
    assert rates[50] == pytest.approx(0.05)
    assert 0 < rates[-1] < 1e-4


def test_experiment_confirms_what_theory_promises(results):
    cells = pd.DataFrame(results["cells"])
    cells = cells[cells.optimizer == "beta-lasso"]
    steady = cells[(cells.observations == 100) & (cells.l1 == 0.02)]
    assert len(steady) == 2 * 5 * 2
    assert (steady[steady.beta == 0.1].recovered == 1).all()  # beta = eta
    assert (steady[steady.beta == 0.1].distance_max < 1e-2).all()
    assert (steady[steady.beta == 100].recovered == 0).all()  # 2 exceeds the coefficient
    assert (steady[steady.beta == 0].recovered == 0).all()  # no exact zeros
    assert (steady[steady.beta == 0].rounded > 0.95).all()
    assert cells.held.mean() > 0.97
    assert ((cells.expected - cells.recovered).abs() < 0.15).all()


def test_what_is_said_never_to_happen_does_not(results):
    confusion = pd.DataFrame(results["confusion"])
    steady = confusion[confusion.observations == 100].set_index(["schedule", "predicted"])
    for schedule in SCHEDULES:
        assert steady.loc[(schedule, "never"), "recovered"] == 0
        guaranteed = steady.loc[(schedule, "always")]
        assert guaranteed["guaranteed_recovered"] == guaranteed["guaranteed"] > 0


def test_tables_add_up(results):
    cells = pd.DataFrame(results["cells"])
    assert len(cells) == 2 * 2 * (5 + 1) * 2 * 2
    assert cells[["always", "depends", "never"]].sum(axis=1).to_numpy() == pytest.approx(1)
    assert cells[cells.optimizer == "proximal-l1"].beta.isna().all()
    confusion = pd.DataFrame(results["confusion"])
    by_setting = confusion.groupby(["observations", "schedule"])
    assert (by_setting[["none", "some", "all"]].sum().sum(axis=1) == 64 * 5 * 2).all()
    assert (by_setting.runs.sum() == 64 * 5 * 2 * 2).all()
    misses = pd.DataFrame(results["misses"]).groupby(["observations", "schedule"]).runs.sum()
    assert (misses == by_setting.runs.sum() - by_setting.held.sum()).all()
    lasso = pd.DataFrame(results["lasso"]).set_index(["observations", "l1"])
    assert lasso.loc[(100, 0.02), "true_support"] > 0.95
    # whatever lambda, dummies enter exactly where the condition fails
    assert lasso.loc[(20, 0.02), "true_support"] == 1 - lasso.loc[(20, 0.02), "condition_fails"]


def test_trajectories_go_from_a_start_and_its_mirror_image(results):
    paths = results["trajectories"]
    assert paths["steps"][0] == 0
    assert paths["steps"][-1] == experiment.SMOKE.steps
    runs = {
        (run["optimizer"], run["beta"], run["mirrored"]): run["weights"] for run in paths["runs"]
    }
    assert len(runs) == len(paths["runs"]) == 2 * (2 + 1)
    for weights in runs.values():
        assert len(weights) == len(paths["steps"]) <= 100
        assert {len(row) for row in weights} == {10}
    ahead, back = runs["beta-lasso", 0.1, False], runs["beta-lasso", 0.1, True]
    assert ahead[0] == [-weight for weight in back[0]]
    assert ahead[-1] == pytest.approx(paths["lasso"], abs=1e-4)
    assert runs["proximal-l1", None, False][-1] == pytest.approx(paths["lasso"], abs=1e-4)


def test_results_are_json_and_repeatable(results):
    text = json.dumps(results, allow_nan=False)
    assert json.loads(text) == results
    assert json.dumps(experiment.run(experiment.SMOKE)) == text


def test_config_survives_json():
    loaded = ToyConfig(**json.loads(json.dumps(dataclasses.asdict(experiment.SMOKE))))
    assert loaded == experiment.SMOKE
    assert hash(loaded) == hash(experiment.SMOKE)


def test_desk_grid_is_the_promised_one():
    desk = experiment.DESK
    assert desk.problems >= 1000
    assert {desk.lr, 1.0, 50.0} <= set(desk.betas)
    assert len(desk.observations) == 2
    assert desk.schedules == SCHEDULES
    # beyond every boundary, at every lambda but the smallest
    assert all(resting_points.boundaries(l1, desk.lr)[1] < max(desk.betas) for l1 in desk.l1s)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"problems": 0}, "problems: 0 is out of range"),
        ({"problems": 1.5}, "problems: 1.5 is of type float"),
        ({"steps": 5}, "steps: 5 is out of range"),
        ({"lr": float("nan")}, "lr: nan is not a finite number"),
        ({"betas": ()}, r"betas: \(\) is not a list of values"),
        ({"betas": 1.0}, "betas: 1.0 is not a list of values"),
        ({"betas": (-1.0,)}, "betas: -1.0 is out of range"),
        ({"betas": (float("nan"),)}, "betas: nan is not a finite number"),
        ({"betas": (1, 1.0)}, "has a value twice"),
        ({"l1s": (0.0,)}, "l1s: 0.0 is out of range"),
        ({"scales": ("1",)}, "scales: '1' is of type str"),
        ({"observations": (10,)}, "observations: 10 is out of range"),
        ({"observations": (20.0,)}, "observations: 20.0 is of type float"),
        ({"schedules": ("linear",)}, "schedules: unknown value 'linear'; choose from constant"),
        ({"trajectory_problem": 64}, "trajectory_problem: 64 is out of range"),
        ({"seed": True}, "seed: True is of type bool"),
    ],
)
def test_bad_configs_are_refused(change, message):
    with pytest.raises(ConfigError, match=message) as caught:
        dataclasses.replace(experiment.SMOKE, **change)
    assert "\n" not in str(caught.value)


def test_a_step_size_that_diverges_is_refused():
    config = dataclasses.replace(experiment.SMOKE, observations=(20,), steps=20)
    curvature = 2 * torch.linalg.eigvalsh(toy.draw(config, 20).gram).max().item()
    experiment.run(dataclasses.replace(config, lr=1.98 / curvature))
    with pytest.raises(ConfigError, match=r"lr: .* diverges on a problem of 20 .* 0\.\d+"):
        experiment.run(dataclasses.replace(config, lr=2.02 / curvature))

"""`lcs train`: one run. `lcs study`: all runs of studies that the store lacks."""

import dataclasses
import inspect
import json
import sys
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from lcs.cli.options import Device, Store, argument, option, percent, store_to_write
from lcs.config import CHOICES, RANGES, Config

# groups of options in the help of `lcs train`, each from one field of `Config` on to the next
PANELS = {
    "dataset": "Data set and network",
    "optimizer": "Optimizer",
    "pruning": "Masks, and what is taken of another network",
    "loss": "Training",
    "augment": "Images and labels",
    "precision": "Precision and seed",
}
PLAN = option("Only say what is missing, and about how long it takes.", "--plan")
BUDGET_MINUTES = option("Stop at a checkpoint within so many minutes, not in mid-epoch.")
CHECKPOINT_SECONDS = option("Least time between checkpoints.")


def _with_config_options(function: Callable[..., None]) -> Callable[..., None]:
    """Replace `**fields` by one option for each field of `Config`, with its meaning as help."""
    values = {name: f"{low:.10g} to {high:.10g}" for name, (low, high) in RANGES.items()}
    values |= {name: ", ".join(choices) for name, choices in CHOICES.items()}
    hints = typing.get_type_hints(Config, include_extras=True)
    *own, _ = inspect.signature(function, eval_str=True).parameters.values()
    parameters, panel = [p.replace(kind=p.KEYWORD_ONLY) for p in own], ""
    for field in dataclasses.fields(Config):
        kind, meaning, *_ = typing.get_args(hints[field.name])
        panel = PANELS.get(field.name, panel)
        text = f"{meaning[0].upper()}{meaning[1:]}."
        text += f" Values: {values[field.name]}." if field.name in values else ""
        hint: Any = Annotated[kind, option(text, rich_help_panel=panel)]
        parameters.append(own[0].replace(name=field.name, default=field.default, annotation=hint))
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters}
    return function


@_with_config_options
def train(
    *,
    store: Store = None,
    device: Device = "auto",
    plan: Annotated[bool, PLAN] = False,
    budget_minutes: Annotated[float | None, BUDGET_MINUTES] = None,
    checkpoint_seconds: Annotated[float, CHECKPOINT_SECONDS] = 60.0,
    **fields: Any,
) -> None:
    """Train one network, or go on with it; the last line printed is its record's path.

    In seconds, on 8 × 8 digits:

    lcs train --dataset digits --epochs 30 --base-channels 8 --optimizer beta-lasso --l1 1e-3
    --beta 50

    In the paper's setting, for a GPU; with --plan it only says how long that takes:

    lcs train --base-channels 150 --optimizer beta-lasso --l1 2.5e-6 --l1-rest 2.5e-7 --beta 50
    --epochs 4000 --augment autoaugment --normalize standard --precision bf16 --plan
    """
    from lcs.study import Study, cost
    from lcs.study.options import Options

    config, place = Config.from_dict(fields), store_to_write(store)
    if found := place.find(config):
        text, known = f"run {config.run_id}, trained before: {found.path}", ", trained before"
    else:
        how, known = Options(device, on="processes"), ""
        (left,) = cost.missing({config: None}, Study.seconds, place, how)
        before = f" ({left.done} are done)" if left.done else ""
        source = ", and what training its source again takes" if config.source else ""
        text = f"run {config.run_id}: {config.epochs} epochs{before} on {how.device_type}, "
        text += f"{cost.about(left.seconds)}{source}; its record will be {place.path(config)}"
    if plan:
        print(text)
        return
    if not found:
        print(text, file=sys.stderr, flush=True)
    from lcs.train import train as train_run

    times: Any = {"budget_minutes": budget_minutes, "checkpoint_seconds": checkpoint_seconds}
    record = train_run(config, store=place, device=device, **times)
    accuracy = f"{config.accuracy_name.replace('_', ' ')} {percent(record.accuracy)}"
    print(f"run {config.run_id}: {accuracy}{known}", file=sys.stderr)
    print(record.path)


def study(
    ctx: typer.Context,
    names: Annotated[list[str] | None, argument("Studies, in their order; none: list all.")] = None,
    scale: Annotated[str | None, option("smoke, desk or paper; default: the usual one.")] = None,
    seeds: Annotated[int | None, option("Seeds 0, 1, … of each run; default: the book's.")] = None,
    betas: Annotated[list[float] | None, option("A β of its runs; may be repeated.")] = None,
    store: Store = None,
    device: Device = "auto",
    dataset: Annotated[str | None, option("A name of `lcs data list`; default: its own.")] = None,
    base_channels: Annotated[int | None, option("Default: the scale's own.")] = None,
    epochs: Annotated[int | None, option("Default: the scale's own.")] = None,
    plan: Annotated[bool, PLAN] = False,
    choose: Annotated[bool, option("Write a search's best to chosen.json.", "--choose")] = False,
    budget_minutes: Annotated[float | None, BUDGET_MINUTES] = None,
    checkpoint_seconds: Annotated[float, CHECKPOINT_SECONDS] = 60.0,
    workers: Annotated[int | None, option("Groups that train at once on a machine.", min=1)] = None,
    on: Annotated[str | None, option("processes (here) or ray; default: $LCS_ON.")] = None,
    address: Annotated[str | None, option("Of Ray; default: $RAY_ADDRESS, or a new one.")] = None,
    gpus_per_run: Annotated[float, option("Share of a GPU for a run on Ray.")] = 1.0,
    shard: Annotated[str | None, option("i/n: part i of n, from 1, for array jobs.")] = None,
) -> None:
    """Train the runs of studies that the store lacks; print the paths of all their records.

    Without a name, list the studies: chapter, name and title.

    In seconds, on 8 × 8 digits:

    lcs study table2 --scale smoke

    What the paper's size would take:

    lcs study table2 --scale paper --device cuda --plan
    """
    from lcs.errors import ConfigError
    from lcs.exhibits import by_chapter, find_study

    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    given = {name for name, source in sources.items() if source and source.name != "DEFAULT"}
    if not names:
        if given:
            raise typer.BadParameter("name a study; `lcs study` lists them")
        for chapter, each in by_chapter():
            print(f"{chapter:16} {each.name:30} {each.title}")
        return
    place, (first, *others) = store_to_write(store), [*map(find_study, names)]
    if choose:
        if others or given - {"names", "choose", "scale", "store"}:
            raise typer.BadParameter("--choose trains nothing: only --scale and --store go with it")
        from lcs.exhibits.choose import write_choice

        print(json.dumps(write_choice(first.name, place, scale or first.usual_scale)))
        return
    if others and (toys := [s.name for s in (first, *others) if not s.setting.configs]):
        raise ConfigError(f"study: {toys[0]} has no networks to train; give it alone")
    own = {"names", "scale", "seeds", "betas", "store", "plan", "choose"}
    options = {name: value for name, value in ctx.params.items() if name not in own}
    options |= {"store": place} | ({"betas": betas} if betas else {})
    if others:
        options["also"] = [(each, scale or each.usual_scale) for each in others]
    scale = scale or first.usual_scale
    if plan:
        print(first.plan(scale, seeds, **options))
        return
    for record in first.train(scale, seeds, **options):
        print(record.path)

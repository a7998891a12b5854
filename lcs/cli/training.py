"""`lcs train`: one run. `lcs study`: all runs of a study that the store lacks."""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
import typing
from collections.abc import Callable
from typing import Annotated, Any

import typer

from lcs.cli.options import BudgetMinutes, CheckpointSeconds, Device, Store, store_to_write
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


def _with_config_options(function: Callable[..., None]) -> Callable[..., None]:
    """Replace `**fields` by one option for each field of `Config`, with its meaning as help."""
    allowed = {name: f"{low:.10g} to {high:.10g}" for name, (low, high) in RANGES.items()}
    allowed |= {name: ", ".join(choices) for name, choices in CHOICES.items()}
    hints = typing.get_type_hints(Config, include_extras=True)
    options, panel, keyword = [], "", inspect.Parameter.KEYWORD_ONLY
    for field in dataclasses.fields(Config):
        kind, meaning, *_ = typing.get_args(hints[field.name])
        text, panel = f"{meaning[0].upper()}{meaning[1:]}.", PANELS.get(field.name, panel)
        if field.name in allowed:
            text += f" Values: {allowed[field.name]}."
        shown: Any = Annotated[kind, typer.Option(help=text, rich_help_panel=panel)]
        option = inspect.Parameter(field.name, keyword, default=field.default, annotation=shown)
        options.append(option)
    own = inspect.signature(function, eval_str=True)
    kept = [p for p in own.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    parameters = [p.replace(kind=keyword) for p in kept] + options
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in parameters}
    return function


@_with_config_options
def train(
    store: Store = None,
    device: Device = "auto",
    budget_minutes: BudgetMinutes = None,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    **fields: Any,
) -> None:
    """Train one network, or go on with it; the last line printed is its record's path."""
    from lcs.train import train as train_run

    config, place = Config.from_dict(fields), store_to_write(store)
    trained = place.find(config) is None
    record = train_run(
        config,
        store=place,
        device=device,
        budget_minutes=budget_minutes,
        checkpoint_seconds=checkpoint_seconds,
    )
    accuracy = f"{config.accuracy_name.replace('_', ' ')} {100 * record.accuracy:.2f} %"
    known = "" if trained else ", trained before"
    print(f"run {config.run_id}: {accuracy}{known}", file=sys.stderr)
    print(record.path)


def study(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="A study, for example table2, or several, in their order; none: list all.",
            metavar="[NAME...]",
        ),
    ] = None,
    scale: Annotated[
        str | None,
        typer.Option(help="smoke, desk or paper; default: desk, of the paper's size alone paper."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(help="Seeds 0, 1, … of each run; default: as many as in the book.")
    ] = None,
    betas: Annotated[
        list[float] | None, typer.Option(help="A β of its runs; may be repeated.")
    ] = None,
    store: Store = None,
    device: Device = "auto",
    dataset: Annotated[
        str | None, typer.Option(help="As `lcs data list` has them; default: the scale's own.")
    ] = None,
    base_channels: Annotated[int | None, typer.Option(help="Default: the scale's own.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Default: the scale's own.")] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only say what is missing, and about how long it takes.")
    ] = False,
    choose: Annotated[
        bool, typer.Option("--choose", help="Write what a search found best to chosen.json.")
    ] = False,
    budget_minutes: BudgetMinutes = None,
    checkpoint_seconds: CheckpointSeconds = 60.0,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Groups, of up to four runs, that train at once on a machine."),
    ] = None,
    on: Annotated[
        str | None, typer.Option(help="processes (of this machine) or ray; default: $LCS_ON.")
    ] = None,
    address: Annotated[
        str | None, typer.Option(help="Ray's cluster; default: $RAY_ADDRESS, or one made here.")
    ] = None,
    gpus_per_run: Annotated[float, typer.Option(help="Share of a GPU for a run on Ray.")] = 1.0,
    shard: Annotated[
        str | None, typer.Option(help="i/n: part i of n alone, i from 1, for array jobs.")
    ] = None,
) -> None:
    """Train the runs of studies that the store lacks; print the paths of all their records.

    Without a name, list the studies: chapter, name and title.
    """
    from lcs.errors import ConfigError
    from lcs.exhibits import by_chapter, find_study
    from lcs.exhibits.shared.settings import missing_choices

    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    given = {name for name, source in sources.items() if source and source.name != "DEFAULT"}
    if not names:
        if given:
            raise typer.BadParameter("name a study; `lcs study` lists them")
        for chapter, each in by_chapter():
            print(f"{chapter:16} {each.name:30} {each.title}")
        return
    place, studies = store_to_write(store), [*map(find_study, names)]
    first, *others = studies
    if choose:
        if others or given - {"names", "choose", "scale", "store"}:
            raise typer.BadParameter(
                "--choose trains nothing: it takes one study, --scale and --store only"
            )
        from lcs.exhibits.choose import write_choice

        print(json.dumps(write_choice(first.name, place, scale or first.usual_scale)))
        return
    for each in studies:
        if searches := missing_choices(each):
            raise ConfigError(
                f"{each.name}: {searches[0]} has not chosen its hyperparameters yet; "
                f"run `lcs study {searches[0]}`, then `lcs study {searches[0]} --choose`"
            )
        if others and not each.setting.configs:
            raise ConfigError(f"study: {each.name} has no networks to train; give it alone")
    options: dict[str, Any] = {"store": place, "shard": shard}
    options |= {"device": device, "workers": workers, "on": on, "address": address}
    options |= {"gpus_per_run": gpus_per_run, "budget_minutes": budget_minutes}
    options |= {"checkpoint_seconds": checkpoint_seconds}
    options |= {"dataset": dataset, "base_channels": base_channels, "epochs": epochs}
    options |= {"betas": betas} if betas else {}
    if others:
        options["also"] = [(each, scale or each.usual_scale) for each in others]
    scale = scale or first.usual_scale
    if plan:
        print(first.plan(scale, seeds, **options))
        return
    for record in first.train(scale, seeds, **options):
        print(record.path)

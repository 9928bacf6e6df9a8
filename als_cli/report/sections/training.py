"""Section `training`: the hyperparameters, the loss and the seconds of each iteration, and what `auto` compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from als_cli.evaluation.verdict import metric_name
from als_cli.report.artifacts import Artifacts
from als_cli.report.charts.bars import Bar, bars
from als_cli.report.charts.lines import LineAxes, Mark, lines
from als_cli.report.parts import Chart, Fact, Table, table_of
from als_cli.report.text import count, duration, figure, short
from als_cli.storage.model_files import StoredModel
from als_cli.tuning.compared import ComparedTrial
from als_cli.tuning.report import TrialReport, TuneReport

_SECONDS = {"half_life", "long_run_half_life"}
_BEST_TRIALS = 10


@dataclass(frozen=True)
class TrainingSection:
    """How the model was trained."""

    facts: tuple[Fact, ...]
    loss: Chart | None
    """None: the engine reports no loss."""
    seconds: Chart | None
    settings: Table
    compared: Table | None
    """What `auto` compared; None: it compared nothing, or its trials are not stored."""
    metric: str
    """The metric of `compared`."""


@dataclass(frozen=True)
class SearchSection:
    """The last search of `als tune`."""

    facts: tuple[Fact, ...]
    trials: Chart
    best: Table


def training_section(artifacts: Artifacts, model: StoredModel) -> TrainingSection:
    """Return how `model` was trained."""
    recipe = model.recipe(1).to_json()
    seconds, losses = model.iteration_seconds, model.losses
    choice = model.manifest.metrics.get("choice")
    compared = artifacts.compared
    settings = recipe["settings"]
    facts = [
        Fact("Factors", count(settings["factors"]), "numbers per user and item"),
        Fact("Iterations", count(len(losses) or settings["iterations"])),
        Fact("Training time", duration(model.manifest.seconds), f"{model.manifest.threads} threads"),
        Fact("Settings", "selected by auto" if choice else "from the config"),
    ]
    return TrainingSection(
        facts=tuple(facts),
        loss=_loss(losses),
        seconds=_seconds(seconds),
        settings=_settings(recipe),
        compared=_compared(compared, choice["point"]) if choice else None,
        metric=metric_name(str(choice["metric"])) if choice else "",
    )


def search_section(search: TuneReport) -> SearchSection:
    """Return the trials of the last search."""
    gain = search.best.value, search.untuned.value
    facts = (
        Fact("Trials", count(len(search.trials)), f"{search.new_trials} of the last run"),
        Fact(f"Best {metric_name(search.metric)}", figure(gain[0]), "on validation sets"),
        Fact("Config as given", figure(gain[1]), "on the same validation sets"),
        Fact("Users", count(search.users), f"in {search.folds} validation sets"),
    )
    return SearchSection(facts, _trials(search), _best(search))


def _loss(losses: Sequence[float]) -> Chart | None:
    if not losses:
        return None
    marks = [
        Mark(number, loss, f"iteration {number}: {loss:.6g}") for number, loss in enumerate(losses, start=1)
    ]
    last = 0.0 if len(losses) < 2 else 1 - losses[-1] / losses[-2]
    summary = (
        f"The loss falls from {losses[0]:.6g} to {losses[-1]:.6g}. The last iteration changed it by {abs(last):.3%}. "
        "A curve that is flat at its end shows that more iterations would change little."
    ).replace("%.", " %.")
    table = table_of(
        "Loss after each iteration",
        ("iteration", "loss"),
        [(str(number), f"{loss:.6g}") for number, loss in enumerate(losses, start=1)],
    )
    axes = LineAxes("iteration", "loss / (users × items)", from_zero=False, y_format=".4~g")
    return Chart("loss", "Loss after each iteration", summary, lines(marks, axes), table)


def _seconds(seconds: Sequence[float]) -> Chart | None:
    if not seconds:
        return None
    rows = [Bar(str(number), one, duration(one)) for number, one in enumerate(seconds, start=1)]
    summary = f"All iterations together took {duration(sum(seconds))}."
    table = table_of(
        "Seconds of each iteration",
        ("iteration", "seconds"),
        [(bar.name, f"{bar.value:.3f}") for bar in rows],
    )
    return Chart("iteration-seconds", "Seconds of each iteration", summary, bars(rows, "seconds"), table)


def _settings(recipe: dict[str, Any]) -> Table:
    rows = [("engine", str(recipe["engine"]))]
    for section in ("settings", "confidence", "fold_in", "demand"):
        for name, value in (recipe[section] or {}).items():
            if isinstance(value, dict):
                continue
            key = name if section == "settings" else f"{section}.{name}"
            rows.append((key, _shown(name, value)))
    return table_of("Values of all settings", ("setting", "value"), rows)


def _shown(name: str, value: Any) -> str:
    if name in _SECONDS:
        return "infinite" if value is None else duration(float(value))
    if isinstance(value, float):
        return short(value)
    return str(value)


def _compared(trials: Sequence[ComparedTrial], selected: Mapping[str, Any]) -> Table | None:
    """Return the `trials`, with the point that was `selected` marked."""
    if not trials:
        return None
    places = [place for place, trial in enumerate(trials) if _is_selected(trial, selected)]
    rows = [
        (
            "screening" if one.screening else "trial",
            "all" if one.all_users else "a sample",
            str(one.factors),
            str(one.iterations),
            *(_number(one.start.get(name)) for name in _STARTS),
            figure(one.value),
        )
        for one in trials
    ]
    titles = ("step", "users", "factors", "iterations", *_STARTS.values(), "value")
    return table_of(
        "Settings that auto compared, in the order of their evaluation",
        titles,
        rows,
        texts=2,
        marked=max(places, default=None),
    )


_STARTS = {
    "unobserved_weight": "unobserved weight × density",
    "regularization": "regularization",
    "user_exponent": "user exponent",
    "item_exponent": "item exponent",
}


def _is_selected(trial: ComparedTrial, selected: Mapping[str, Any]) -> bool:
    values = {"factors": trial.factors, "iterations": trial.iterations, **trial.start}
    return not trial.screening and all(selected.get(name) == value for name, value in values.items())


def _number(value: float | None) -> str:
    return "–" if value is None else short(value)


def _trials(search: TuneReport) -> Chart:
    done = [trial for trial in search.trials if trial.value is not None]
    marks, best = [], 0.0
    for trial in done:
        value = float(trial.value or 0.0)
        best = max(best, value)
        marks.append(Mark(trial.number, value, f"trial {trial.number}: {value:.4f}", "trial"))
        marks.append(Mark(trial.number, best, f"best of {trial.number} trials: {best:.4f}", "best so far"))
    first, last = search.untuned.value, search.best.value
    summary = (
        f"{metric_name(search.metric)} of {len(done)} finished trials on validation sets. The config as given has {figure(first)}, "
        f"the best trial {figure(last)}."
    )
    axes = LineAxes("trial", metric_name(search.metric), from_zero=False)
    return Chart("tune-trials", "Trials of als tune", summary, lines(marks, axes, highlighted="best so far"))


def _best(search: TuneReport) -> Table:
    done = sorted(
        (trial for trial in search.trials if trial.value is not None),
        key=lambda trial: (-(trial.value or 0.0), trial.number),
    )[:_BEST_TRIALS]
    names = list(dict.fromkeys(name for trial in done for name in trial.parameters))
    rows = [_trial_row(trial, names) for trial in done]
    titles = ("trial", "value", *(name.replace("_", " ") for name in names))
    return table_of(f"The {len(rows)} best trials", titles, rows, marked=0 if rows else None)


def _trial_row(trial: TrialReport, names: Sequence[str]) -> tuple[str, ...]:
    name = f"{trial.number} (as given)" if trial.untuned else str(trial.number)
    return name, figure(trial.value), *(_number(trial.parameters.get(one)) for one in names)

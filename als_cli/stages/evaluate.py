"""`als evaluate`: train on the training set, rank items for the test users, publish the metrics."""

import time
from dataclasses import replace
from typing import Any

from als_cli.config.evaluate import GivenSplit
from als_cli.config.recommend_checks import check_event_types
from als_cli.config.root import Config
from als_cli.config.train import TrainConfig
from als_cli.evaluation.baselines import check_times, resolve_baselines
from als_cli.evaluation.cohort_reports import cohort_reports, divide_cohorts, item_cohort_reports
from als_cli.evaluation.comparisons import comparisons_of
from als_cli.evaluation.fallback import fallback_report
from als_cli.evaluation.gate import Verdict, check_gate, decide, require
from als_cli.evaluation.leader import leader_of, leading_metric, log_leader
from als_cli.evaluation.methods import MODEL, PUBLISHED, Methods, counts_of, list_lengths, per_user_table
from als_cli.evaluation.report import EvaluateReport, Evaluation, LeaderReport, PastValue, SplitChoiceReport
from als_cli.evaluation.verdict import compared_metric
from als_cli.evaluation.with_rules import training_rules
from als_cli.ranking.warm_up import start_warm_up
from als_cli.report.sections.history import values_in
from als_cli.splitting.auto_split import given_split, warn_of_few_test_users
from als_cli.splitting.division import EvaluationSets, divide
from als_cli.splitting.protocol import SplitProtocol
from als_cli.stages.context import StageContext, reads_events
from als_cli.storage.choice_files import ChoiceBasis, ChoiceStore
from als_cli.storage.dataset_files import StoredDataset
from als_cli.storage.evaluation_files import Basis, paths_of, published_figures, write_evaluation
from als_cli.storage.inputs import Inputs, describe_inputs
from als_cli.storage.instants import open_dataset_as_of
from als_cli.storage.publish import current_version, staged_folder
from als_cli.storage.published_model import (
    PublishedModel,
    log_if_left_out,
    published_model,
    settings_compared_with,
)
from als_cli.storage.versions import Place
from als_cli.tuning.fit_model import ModelFitter


@reads_events
def evaluate(context: StageContext) -> EvaluateReport:
    """Return the metrics of the model and the baselines on the current dataset; publish the evaluation.

    Raises
    ------
    ArtifactError
        There is no dataset, it was ingested for another instant, or the dataset or the published model of baseline
        `published` is broken.
    ConfigError
        The split or a baseline cannot be used on the events, or the gate compares a metric that is not computed.
    DataError
        The training set or the test set is empty, or a file cannot be read.
    GateError
        The gate is not met. The evaluation is published all the same.
    """
    started = time.perf_counter()
    dataset = open_dataset_as_of(context.dataset_place, context.config.events.as_of)
    context = with_baselines(context, dataset)
    config, signal = context.config.evaluate, context.config.events
    _check_keys(context.config)
    published = _published(context)
    start_warm_up(context.config.train.engine)
    inputs, clean = Inputs(), dataset.scan_events()
    split, choice = given_split(clean, signal, config)
    with inputs.unchanged():
        sets = divide(clean, signal, SplitProtocol.of(config, split), inputs.find)
        check_times(config, sets)
        cohorts = divide_cohorts(config, sets, inputs.find)
        rules = training_rules(context.config.recommend, sets, inputs.find) if config.rules else None
    basis = replace(basis_of(context, dataset, published.settings()), files=inputs.confirm())
    warn_of_few_test_users(clean, signal, config, sets.holdout.test_set.users)
    chosen = _chosen_train(context, dataset, split, sets)
    scored = replace(methods_for(context, published, chosen), rules=rules).score(sets, context.progress)
    measured = [method.measured for method in scored]
    averages = {method.method: method.averages for method in measured}
    comparisons = comparisons_of(measured, config.seed, context.progress)
    verdict = decide(config.gate, averages, comparisons, sets.holdout.test_set.users)
    leader = leader_of(averages, leading_metric(config.gate, config.at))
    evaluation = Evaluation(
        split=split.model_dump(mode="json"),
        split_choice=SplitChoiceReport.of(choice),
        cut_off=sets.cut_off.isoformat() if sets.cut_off else None,
        exclude_seen=config.exclude_seen,
        at=list_lengths(config),
        counts=counts_of(sets),
        methods=tuple(method.report() for method in scored),
        published=published.state,
        fallback=fallback_report(sets, measured[0]),
        comparisons=comparisons,
        leader=leader,
        cohorts=cohort_reports(measured, cohorts.users),
        item_cohorts=item_cohort_reports(measured, sets.holdout.test_set, cohorts.items),
        gate=None if verdict is None else verdict.report(),
    )
    seconds = time.perf_counter() - started
    run = {"config": context.config.model_dump(mode="json"), "threads": context.threads, "seconds": seconds}
    with staged_folder(context.evaluations_place, keep=context.config.keep) as folder:
        write_evaluation(folder, evaluation, per_user_table(sets, scored), basis, **run)
    _conclude(verdict, leader)
    return EvaluateReport(
        **dict(evaluation),
        evaluation=str(current_version(context.evaluations_place)),
        history=_history(context, compared_metric(evaluation)),
        seconds=seconds,
    )


def _history(context: StageContext, metric: str) -> tuple[PastValue, ...]:
    """Return the value of the model in `metric` in each evaluation on disk, the oldest first."""
    stored = Place("evaluation", context.evaluations_place).stored()
    values = [(one.manifest.created, values_in(one, metric).get(MODEL)) for one in reversed(stored)]
    return tuple(PastValue(evaluated=made, value=value) for made, value in values if value is not None)


def _check_keys(config: Config) -> None:
    """Raise a ConfigError if the gate, or a rule that is evaluated, does not fit the rest of the config."""
    check_gate(config.evaluate)
    if config.evaluate.rules:
        check_event_types(config.recommend, config.events)


def _published(context: StageContext) -> PublishedModel:
    """Return the model of baseline `published`, after a log line if it is left out."""
    config = context.config
    published = published_model(config.evaluate.baseline_names, config.train, context.models_place)
    log_if_left_out(published, config.evaluate.gate, context.models_place)
    return published


def with_baselines(context: StageContext, dataset: StoredDataset) -> StageContext:
    """Return `context` with the names of the baselines in place of `auto`.

    Raises
    ------
    ConfigError
        A baseline has nothing to list, or `evaluate.recent_half_life` is given without timestamps.
    """
    section = resolve_baselines(context.config.evaluate, dataset.interactions)
    return replace(context, config=context.config.model_copy(update={"evaluate": section}))


def _conclude(verdict: Verdict | None, leader: LeaderReport | None) -> None:
    """Raise GateError if the gate is not met, else log which baseline leads, if any."""
    require(verdict, leader)
    log_leader(leader)


def basis_of(context: StageContext, dataset: StoredDataset, published: dict[str, Any] | None) -> Basis:
    """Return the inputs that the metrics depend on, without files; `published` is section `train` of that baseline."""
    config = context.config
    recommend = config.recommend if config.evaluate.rules else None
    return Basis(config.evaluate, config.train, config.events, dataset.manifest.content, published, recommend)


def methods_for(
    context: StageContext, published: PublishedModel, chosen: TrainConfig | None = None
) -> Methods:
    """Return the model and the baselines; `published` only if its settings can be compared.

    `chosen` is section `train` with the choice of `auto`. None: settings are selected on each training set.
    """
    config, models = context.config, {MODEL: chosen or context.config.train}
    if published.train is not None:
        models[PUBLISHED] = published.train
    resolved = frozenset() if chosen is None else frozenset({MODEL})
    fitter = ModelFitter(config.events, config.evaluate.split, context.threads, context.progress, resolved)
    return Methods(config.evaluate, config.events, models, fitter, context.threads)


def _chosen_train(
    context: StageContext, dataset: StoredDataset, split: GivenSplit, sets: EvaluationSets
) -> TrainConfig:
    """Return section `train` with the choice of `auto`, which depends on the training set of `sets` only."""
    train = context.config.train
    store = ChoiceStore.of(context.choice_place, context.config, context.threads, context.progress)
    basis = ChoiceBasis.of_split(context.config, dataset, split, sets.cut_off)
    choice = store.choose(lambda: sets.events.training, basis, unseen=True)
    return train if choice is None else choice.apply(train, sets.training.matrix)


def evaluate_key(context: StageContext) -> str | None:
    """Return the hash of all inputs that the metrics depend on: dataset, events, hyperparameters, protocol and its files.

    None if a file is a pipe, which can be read only once.

    Raises
    ------
    ArtifactError
        There is no dataset, it was ingested for another instant, or the published model of baseline `published` is
        broken.
    """
    dataset = open_dataset_as_of(context.dataset_place, context.config.events.as_of)
    context = with_baselines(context, dataset)
    config = context.config
    published = published_model(config.evaluate.baseline_names, config.train, context.models_place)
    compared_with = settings_compared_with(published, context.evaluations_place)
    files = describe_inputs(paths_of(config.evaluate, config.recommend))
    return None if files is None else replace(basis_of(context, dataset, compared_with), files=files).key


def recheck_gate(context: StageContext) -> None:
    """Apply the gate of the config to the published evaluation, and say which baseline leads.

    Raises
    ------
    ArtifactError
        There is no dataset or no evaluation, or it is broken.
    ConfigError
        The gate compares a metric that is not computed.
    GateError
        The gate is not met.
    """
    config = with_baselines(
        context, open_dataset_as_of(context.dataset_place, context.config.events.as_of)
    ).config.evaluate
    check_gate(config)
    averages, comparisons, users = published_figures(context.evaluations_place)
    leader = leader_of(averages, leading_metric(config.gate, config.at))
    _conclude(decide(config.gate, averages, comparisons, users), leader)

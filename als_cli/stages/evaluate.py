"""`als evaluate`: train on one part of the events, rank for the users of the other, publish the figures."""

import time
from dataclasses import replace
from typing import Any

from als_cli.config.evaluate import EvaluateConfig
from als_cli.errors import ConfigError
from als_cli.evaluation.baselines import check_protocol, check_times
from als_cli.evaluation.cohort_reports import cohort_reports, divide_cohorts, item_cohort_reports
from als_cli.evaluation.comparisons import comparisons_of
from als_cli.evaluation.fallback_report import fallback_report
from als_cli.evaluation.gate import Lead, Verdict, decide, require
from als_cli.evaluation.methods import MODEL, PUBLISHED, Methods, counts_of, list_lengths, per_user_table
from als_cli.evaluation.report import (
    ComparisonReport,
    EvaluateReport,
    Evaluation,
    GateReport,
    SplitChoiceReport,
)
from als_cli.ranking.warm_up import start_warm_up
from als_cli.splitting.division import divide, warn_of_few_test_users
from als_cli.splitting.protocol import SplitProtocol
from als_cli.stages.context import StageContext
from als_cli.storage.dataset_files import Dataset, open_dataset
from als_cli.storage.evaluation_files import Basis, paths_of, published_figures, write_evaluation
from als_cli.storage.inputs import Inputs, describe_inputs
from als_cli.storage.publish import current_version, staged_folder
from als_cli.storage.published_model import (
    PublishedModel,
    log_if_left_out,
    published_model,
    settings_compared_with,
)
from als_cli.tuning.fit_model import ModelFitter


def evaluate(context: StageContext) -> EvaluateReport:
    """Return the figures of model and baselines on the current dataset; publishes the evaluation.

    Raises
    ------
    ArtifactError
        There is no dataset, or it or the published model that is compared with is broken.
    ConfigError
        The split or a baseline does not suit the events, or the gate asks for a figure that is not computed.
    DataError
        A part of the split is empty, or a file cannot be read.
    GateError
        The gate is not met; the evaluation is published all the same.
    """
    started = time.perf_counter()
    config = context.config.evaluate
    _check_gate(config)
    check_protocol(config)
    published = published_model(config.baselines, context.config.train, context.models_place)
    dataset = open_dataset(context.dataset_place)
    start_warm_up(context.config.train.engine)
    inputs, clean, protocol = Inputs(), dataset.scan_events(), SplitProtocol.of(config)
    with inputs.unchanged():
        parts = divide(clean, context.config.events, protocol, inputs.find)
        warn_of_few_test_users(clean, context.config.events, protocol, parts)
        check_times(config, parts)
        cohorts = divide_cohorts(config, parts, inputs.find)
    basis = replace(basis_of(context, dataset, published.settings()), files=inputs.confirm())
    log_if_left_out(published, config.gate, context.models_place)
    scored = methods_for(context, published).score(parts, context.progress)
    measured = [one.measured for one in scored]
    comparisons = comparisons_of(measured, config.seed, context.progress)
    users = parts.holdout.test_set.users
    verdict = _verdict(config, {one.method: one.averages for one in measured}, comparisons, users)
    evaluation = Evaluation(
        split=parts.split.model_dump(mode="json"),
        split_choice=SplitChoiceReport.of(parts.choice),
        cut_off=parts.cut_off.isoformat() if parts.cut_off else None,
        exclude_seen=config.exclude_seen,
        at=list_lengths(config),
        counts=counts_of(parts),
        methods=tuple(one.report() for one in scored),
        published=published.state,
        fallback=fallback_report(parts, measured[0]),
        comparisons=comparisons,
        cohorts=cohort_reports(measured, cohorts.users),
        item_cohorts=item_cohort_reports(measured, parts.holdout.test_set, cohorts.items),
        gate=None if verdict is None else GateReport.of(verdict),
    )
    seconds = time.perf_counter() - started
    run = {"config": context.config.model_dump(mode="json"), "threads": context.threads, "seconds": seconds}
    with staged_folder(context.evaluations_place) as folder:
        write_evaluation(folder, evaluation, per_user_table(parts, scored), basis, **run)
    if verdict is not None:
        require(verdict)
    place = current_version(context.evaluations_place)
    return EvaluateReport(**dict(evaluation), evaluation=str(place), seconds=seconds)


def basis_of(context: StageContext, dataset: Dataset, published: dict[str, Any] | None) -> Basis:
    """Return what the figures depend on, without files; `published` is section `train` of baseline `published`."""
    config = context.config
    return Basis(config.evaluate, config.train, config.events, dataset.manifest.content, published)


def methods_for(context: StageContext, published: PublishedModel) -> Methods:
    """Return the model and the baselines of the config; `published` is among them where it can be compared."""
    config, models = context.config, {MODEL: context.config.train}
    if published.train is not None:
        models[PUBLISHED] = published.train
    fitter = ModelFitter(config.events, context.threads, context.progress)
    return Methods(config.evaluate, config.events, models, fitter, context.threads)


def evaluate_key(context: StageContext) -> str | None:
    """Return the hash of all that the figures depend on: dataset, signal, hyperparameters, protocol and its files.

    None where a file is a pipe, which can be read only once.

    Raises
    ------
    ArtifactError
        There is no dataset, or the published model that the config wants a comparison with is broken.
    """
    config = context.config
    published = published_model(config.evaluate.baselines, config.train, context.models_place)
    compared_with = settings_compared_with(published, context.evaluations_place)
    dataset, files = open_dataset(context.dataset_place), describe_inputs(paths_of(config.evaluate))
    return None if files is None else replace(basis_of(context, dataset, compared_with), files=files).key


def recheck_gate(context: StageContext) -> None:
    """Judge the published evaluation by the config's gate.

    Raises
    ------
    GateError
        The gate is not met.
    """
    config = context.config.evaluate
    _check_gate(config)
    if config.gate is None:
        return
    verdict = _verdict(config, *published_figures(context.evaluations_place))
    if verdict is not None:
        require(verdict)


def _check_gate(config: EvaluateConfig) -> None:
    """Return when the gate's figures will be there."""
    gate = config.gate
    if gate is None:
        return
    k = int(gate.metric.partition("@")[2])
    if k not in config.at:
        raise ConfigError(
            f"evaluate.gate.metric is {gate.metric}, but evaluate.at has no {k}",
            hint=f"add {k} to evaluate.at",
        )
    if isinstance(gate.at_least, str) and gate.at_least not in config.baselines:
        raise ConfigError(
            f"evaluate.gate.at_least is {gate.at_least}, which is not among evaluate.baselines",
            hint=f"add {gate.at_least} to evaluate.baselines",
        )


def _verdict(
    config: EvaluateConfig,
    figures: dict[str, dict[str, float]],
    comparisons: tuple[ComparisonReport, ...],
    users: int,
) -> Verdict | None:
    gate = config.gate
    if gate is None:
        return None
    if gate.at_least == PUBLISHED and PUBLISHED not in figures:
        # There is nothing that the model could be worse than.
        return Verdict(gate.metric, figures[MODEL][gate.metric], None, PUBLISHED, users)
    leads = {(one.baseline, one.metric): Lead(one.low, one.high, one.p_value) for one in comparisons}
    lead = leads[str(gate.at_least), gate.metric] if gate.significant else None
    return decide(gate.metric, gate.at_least, figures[MODEL], figures, users, lead)

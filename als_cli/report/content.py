"""The content of a report: all sections, collected from stored artifacts."""

from dataclasses import dataclass
from datetime import datetime

from als_cli.evaluation.verdict import QualityVerdict, compared_metric
from als_cli.report.artifacts import Artifacts
from als_cli.report.checks import checks_of
from als_cli.report.item_labels import ItemLabels, item_labels
from als_cli.report.parts import Chart, Check, Table, table_of
from als_cli.report.sections.backtest import BacktestSection, backtest_section
from als_cli.report.sections.data import DataSection, data_section
from als_cli.report.sections.hindsight import HindsightSection, hindsight_section
from als_cli.report.sections.history import HistorySection, history_section
from als_cli.report.sections.items import ItemsSection, items_section
from als_cli.report.sections.lists import ListsSection, lists_section
from als_cli.report.sections.quality import QualitySection, quality_section, verdict_on
from als_cli.report.sections.training import SearchSection, TrainingSection, search_section, training_section
from als_cli.report.sections.users import UsersSection, users_section
from als_cli.report.text import count, duration, instant, readable


@dataclass(frozen=True)
class ReportContent:
    """What the page shows. A section is None if its artifact does not exist."""

    title: str
    made: str
    """Time of the newest artifact."""
    verdict: QualityVerdict | None
    """None: there is neither an evaluation nor a backtest."""
    checks: tuple[Check, ...]
    data: DataSection
    training: TrainingSection | None
    search: SearchSection | None
    quality: QualitySection | None
    history: HistorySection | None
    backtest: BacktestSection | None
    hindsight: HindsightSection | None
    lists: ListsSection | None
    users: UsersSection | None
    items: ItemsSection | None
    artifacts: Table

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """Id and title of each section that the page has, in their order."""
        every = (
            ("quality", "Quality", self.quality),
            ("backtest", "Backtest", self.backtest),
            ("hindsight", "Hindsight", self.hindsight),
            ("lists", "Lists", self.lists),
            ("users", "Users", self.users),
            ("items", "Items", self.items),
            ("data", "Data", self.data),
            ("training", "Training", self.training),
            ("search", "Tuning", self.search),
            ("about", "About", self.artifacts),
        )
        return tuple((name, title) for name, title, section in every if section is not None)


def report_content(artifacts: Artifacts, name: str, scale: float = 1.0) -> ReportContent:
    """Return the content of the report about `artifacts`; `name` is that of the workspace.

    `scale` multiplies the numbers of sampled users and of points of the map.

    Raises
    ------
    AlsError
        An artifact is broken, or the catalogue cannot be read.
    """
    labels = item_labels(
        artifacts.recommend.items,
        artifacts.report.category,
        artifacts.dataset.interactions.item_ids.dtype,
        artifacts.dataset.titles(),
    )
    data = data_section(artifacts.dataset)
    lists = None if artifacts.lists is None else lists_section(artifacts, artifacts.lists, labels)
    model = artifacts.model
    quality, history, verdict = _quality(artifacts)
    backtest = None if artifacts.backtest is None else backtest_section(*artifacts.backtest)
    hindsight = _hindsight(artifacts, labels)
    return ReportContent(
        title=readable(name),
        made=instant(_newest(artifacts)),
        verdict=verdict or (None if backtest is None else backtest.verdict),
        checks=checks_of(artifacts, data, lists, hindsight),
        data=data,
        training=None if model is None else training_section(artifacts, model),
        search=None if artifacts.search is None else search_section(artifacts.search),
        quality=quality,
        history=history,
        backtest=backtest,
        hindsight=hindsight,
        lists=lists,
        users=_users(artifacts, labels, scale),
        items=None if model is None else items_section(model, labels, int(artifacts.report.items * scale)),
        artifacts=_artifacts(artifacts),
    )


def _newest(artifacts: Artifacts) -> datetime:
    """Return the time of the newest artifact."""
    times = [manifest.created for manifest in artifacts.manifests.values()]
    found = artifacts.hindsight
    return max(times if found is None else [*times, *(one.created for one in found.evaluations)])


def _quality(
    artifacts: Artifacts,
) -> tuple[QualitySection | None, HistorySection | None, QualityVerdict | None]:
    if artifacts.evaluation is None:
        return None, None, None
    evaluation, manifest = artifacts.evaluation
    metric = compared_metric(evaluation)
    return (
        quality_section(evaluation, manifest, metric),
        history_section(artifacts.evaluations, metric),
        verdict_on(evaluation, metric),
    )


def _hindsight(artifacts: Artifacts, labels: ItemLabels) -> HindsightSection | None:
    found = artifacts.hindsight
    id_type = artifacts.dataset.interactions.item_ids.dtype
    return None if found is None else hindsight_section(found, labels, id_type)


def _users(artifacts: Artifacts, labels: ItemLabels, scale: float) -> UsersSection | None:
    number = int(artifacts.report.users * scale)
    if not number or (artifacts.model is None and artifacts.lists is None):
        return None
    return users_section(artifacts, labels, number, _instant_of_lists(artifacts))


def _instant_of_lists(artifacts: Artifacts) -> datetime:
    """Return the instant of lists that are made for the report. The clock is not used, so that the page stays the same."""
    manifest = artifacts.dataset.manifest if artifacts.lists is None else artifacts.lists.manifest
    return manifest.as_of or manifest.created


def _artifacts(artifacts: Artifacts) -> Table:
    rows = [
        (
            kind,
            instant(manifest.created),
            readable(manifest.tool_version),
            duration(manifest.seconds),
            count(manifest.threads),
            f"{manifest.peak_memory_bytes / 1e6:,.0f} MB",
        )
        for kind, manifest in artifacts.manifests.items()
    ]
    titles = ("artifact", "made", "als-cli", "time", "threads", "peak memory")
    return table_of("The artifacts that this report was made from", titles, rows, texts=3)


def charts_of(content: ReportContent) -> list[Chart]:
    """Return all charts of the page, in the order of the fields."""
    sections = [getattr(content, name) for name in content.__dataclass_fields__]
    values = [
        value
        for section in sections
        if hasattr(section, "__dataclass_fields__")
        for value in vars(section).values()
    ]
    return [value for value in values if isinstance(value, Chart)]

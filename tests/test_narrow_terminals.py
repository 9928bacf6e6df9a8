"""The views at narrow terminals: all numbers of the wide view are there, and no line is too long."""

import io
import re

import pytest
from rich.console import Console

from als_cli.console.views.backtest import render_backtest
from als_cli.console.views.compare import render_compare
from als_cli.console.views.evaluate import render_evaluate
from als_cli.console.views.hindsight import render_hindsight
from als_cli.console.views.recommend import render_recommend
from als_cli.console.views.show_data import render_show_data
from als_cli.console.views.train import render_train
from als_cli.console.views.tune import render_tune
from als_cli.console.views.versions import render_versions
from als_cli.evaluation.backtest_report import BacktestReport
from als_cli.evaluation.report import EvaluateReport
from als_cli.ranking.recommend_report import RecommendReport
from als_cli.stages.compare import CompareReport
from als_cli.stages.hindsight import HindsightReport
from als_cli.stages.show_data import DataReport
from als_cli.stages.train import TrainReport
from als_cli.stages.versions import VersionsReport
from als_cli.tuning.report import TuneReport
from tests.in_process import done
from tests.shop import CONFIG, write_shop

NUMBER = re.compile(r"[-+<]?\d[\d,]*(?:\.\d+)?")
VIEWS = {
    ("evaluate",): (EvaluateReport, render_evaluate),
    ("backtest",): (BacktestReport, render_backtest),
    ("tune", "--trials", "3"): (TuneReport, render_tune),
    ("train",): (TrainReport, render_train),
    ("recommend",): (RecommendReport, render_recommend),
    ("show", "data"): (DataReport, render_show_data),
    ("versions",): (VersionsReport, render_versions),
    ("compare",): (CompareReport, render_compare),
    ("evaluate", "--published", "lists", "--events", "later.csv", "--as-of", "2026-06-01"): (
        HindsightReport,
        render_hindsight,
    ),
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    config = write_shop(folder, CONFIG.replace("  types:", "  as_of: 2026-02-05\n  types:"))
    done("run", "-c", config)
    done("recommend", "-c", config, "--top-n", 4)
    header, *rows = (folder / "events.csv").read_text(encoding="utf-8").splitlines()
    later = [re.sub(r",(\d{10}),", lambda found: f",{int(found[1]) + 40 * 86_400},", row) for row in rows]
    (folder / "later.csv").write_text("\n".join([header, *later]) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module", params=VIEWS, ids="-".join)
def view(request, shop):
    """Return the renderable of a report."""
    kind, render = VIEWS[request.param]
    arguments = [str(shop / one) if one in ("lists", "later.csv") else one for one in request.param]
    return render(kind.model_validate(done(*arguments, "-c", shop / "shop.yaml")))


def lines_of(view, width):
    """Return the lines at a terminal that is too plain for plots."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="replace")
    Console(file=stream, width=width, color_system=None, markup=False, emoji=False).print(view)
    stream.flush()
    return stream.buffer.getvalue().decode("ascii").splitlines()


@pytest.mark.parametrize("width", [40, 50, 60, 70, 80])
def test_a_narrow_view_has_all_numbers_and_no_long_line(view, width):
    narrow, wide = lines_of(view, width), lines_of(view, 400)
    assert max(map(len, narrow)) <= width
    in_narrow = NUMBER.findall("\n".join(narrow))
    paths = [line for line in wide if "/" in line]  # a path may be folded
    wanted = NUMBER.findall("\n".join(line for line in wide if line not in paths))
    assert len(wanted) >= 5
    assert sorted(set(wanted) - set(in_narrow)) == []

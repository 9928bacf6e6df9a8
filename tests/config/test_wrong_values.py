"""Every key of the config meets wrong values: each is one problem that names key, value and what is expected."""

import math
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, get_args, get_origin

import pytest
from pydantic import BaseModel

from als_cli.config.loading import load_config
from als_cli.config.root import Config
from als_cli.errors import ConfigError

FOREIGN = re.compile(
    r"input should|valid (tuple|integer|string|number|dict|boolean)|discriminator|\btag|union|type=|\binstance\b|"
    r"value error|field required|extra inputs|assertion|pydantic|(?-i:\bNone\b|\bTrue\b|\bFalse\b)|tuple|timedelta",
    re.IGNORECASE,
)

NEEDED = {
    "source": "e.csv",
    "path": "f.csv",
    "uri": "sqlite:x",
    "file": "f.csv",
    "catalog": "c.csv",
    "active_since": "30d",
    "by": "[country]",
    "column": "category",
    "positions": "[1]",
}
"""A value for each key that its section cannot do without."""

WRONG = {
    "words": ["'words'"],
    "''": ["''"],
    "'8'": ["'8'"],
    "10": ["10"],
    "-3": ["-3"],
    "1.5": ["1.5"],
    "1e400": [".inf"],
    ".nan": [".nan"],
    "-.inf": ["-.inf"],
    "9" * 400: ["9" * 40],
    "9" * 5000: ["'" + "9" * 40],
    "true": ["true"],
    "null": ["null"],
    "[]": ["[]"],
    "[10, words]": ["[10, 'words']", "'words'", "10"],
    "[-1]": ["[-1]", "-1"],
    "[3, 2, .nan]": ["[3, 2, .nan]", ".nan", "3", "2"],
    "[[1]]": ["[[1]]", "[1]"],
    "[null]": ["[null]", "null"],
    "{}": ["{}"],
    "{colour: 1}": ["{colour: 1}", "1"],
    "{1: 2}": ["{1: 2}", "1", "2"],
    "{a: {b: {c: [1, 2]}}}": ["{a: {b: ", "{b: {c: "],
    "2026-01-31": ["2026-01-31"],
    "2026-01-31T06:00:00Z": ["2026-01-31"],
    "'0001-01-01T00:00:00+14:00'": ["'0001-01-01"],
    "'9999999999999999d'": ["'9999999999999999d'"],
    "'~nobody-of-this-name/x'": ["'~nobody-of-this-name/x'"],
    '"a\\0b"': ["'a\\x00b'"],
    "x" * 5000: ["'" + "x" * 40],
}
"""Values as YAML, and the ways in which a message may show them."""


def sections_in(annotation: Any) -> Iterator[tuple[type[BaseModel], str]]:
    """Yield each section that `annotation` allows, and the YAML around it, for example ``[%s]`` in a list."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, "%s"
    for part in get_args(annotation):
        if isinstance(part, str):
            continue
        around = {tuple: "[%s]", dict: "{products: %s}"}.get(get_origin(annotation), "%s")
        yield from ((found, around % deeper) for found, deeper in sections_in(part))


def picks_variant(field: Any) -> bool:
    return get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1


def siblings(model: type[BaseModel], without: str) -> str:
    """Return, as YAML, the keys that `model` needs beside `without`."""
    pairs = []
    for name, field in model.model_fields.items():
        if name == without:
            continue
        if picks_variant(field):
            pairs.append(f"{name}: {get_args(field.annotation)[0]}")
        elif field.is_required():
            needed = "{source: e.csv}" if name == "events" else NEEDED[name]
            pairs.append(f"{name}: {needed}")
    return "".join(f"{pair}, " for pair in pairs)


def keys_of(
    model: type[BaseModel], path: tuple[str, ...] = (), wrap: Callable[[str], str] = str
) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Yield every key below `model`: its dotted name, and a function from its value to a whole config."""
    for name, field in model.model_fields.items():
        others = siblings(model, name)

        def place(value: str, name: str = name, others: str = others) -> str:
            return wrap(f"{{{others}{name}: {value}}}")

        yield ".".join((*path, name)), place
        for section, around in sections_in(field.annotation):

            def inside(text: str, place: Callable[[str], str] = place, around: str = around) -> str:
                return place(around.replace("%s", text))

            variant = (
                f"{name}<{section.__name__}>" if sum(1 for _ in sections_in(field.annotation)) > 1 else name
            )
            yield from keys_of(section, (*path, variant), inside)


KEYS = [
    *keys_of(Config),
    ("events.types.view", lambda value: f"{{events: {{source: e.csv, types: {{view: {value}}}}}}}"),
]


def refusal(file, text):
    file.write_text(text + "\n", encoding="utf-8")
    try:
        load_config(file, environment={})
    except ConfigError as refused:
        return refused
    return None


def test_the_walk_reaches_every_section():
    names = {name for name, _ in KEYS}
    assert len(names) > 100
    assert {
        "workspace",
        "events.source.columns.user",
        "train.fold_in.regularization",
        "tune.space.alpha",
    } <= names
    assert {"evaluate.split<FileSplit>.columns.item", "recommend.users<ActiveUsers>.active_since"} <= names


@pytest.mark.parametrize(("name", "config"), KEYS, ids=[name for name, _ in KEYS])
def test_each_wrong_value_is_one_problem_in_our_words(tmp_path, name, config):
    file = tmp_path / "shop.yaml"
    key = re.sub(r"<\w+>", "", name).split(".")[-1]
    refusals = {value: refusal(file, config(value)) for value in WRONG}
    assert sum(refused is not None for refused in refusals.values()) > 3
    for value, refused in refusals.items():
        if refused is None:
            continue
        said = refused.problems or (refused.message.removeprefix(f"{file}: "),)
        # A list may have several wrong entries, a section a wrong key and a missing one; a single value is one problem.
        assert len(said) == 1 or value[0] in "[{", (value, said)
        assert len({line.partition(" (line 1): ")[0] for line in said}) == len(said), (value, said)
        for line in said:
            check_message(line, key, WRONG[value])


def check_message(line, key, shown):
    place, _, message = line.partition(" (line 1): ")
    assert not FOREIGN.search(line.replace("nobody", "")), line
    assert len(line) < 400, line
    assert key in re.split(r"\W+", place), line
    wanted, _, given = message.partition(", got ")
    if given:
        assert wanted not in ("", "expected "), line
        assert given.startswith(tuple(shown)), line
    else:
        assert message.startswith(("unknown key", "this key is required", "this section is empty")), line


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("train: {factors: 0}", "train.factors (line 2): expected auto or a whole number from 1 to 4096, got 0"),
        ("train: {factors: [8]}", "train.factors (line 2): expected auto or a whole number from 1 to 4096, got [8]"),
        ("train: {engine: nativ}", "expected one of native, implicit, got 'nativ'; did you mean native?"),
        ("train: {seed: '7'}", "expected a whole number from 0 to 4294967295, got '7'"),
        ("train: {regularization: -1}", "expected auto or a number from 0 to 1000000000, got -1"),
        ("train: {unobserved_weight: 0}", "expected auto or a number above 0 and of at most 1000000000, got 0"),
        ("train: {confidence: {user_exponent: 2}}", "expected auto or a number from 0 to 1, got 2"),
        ("evaluate: {at: 10}", "evaluate.at (line 2): expected a list of one or more entries, each a whole number from 1 to 1000000, got 10"),
        ("evaluate: {at: []}", "got []"),
        ("evaluate: {at: [10, 0]}", "evaluate.at, entry 2 (line 2): expected a whole number from 1 to 1000000, got 0"),
        ("evaluate: {baselines: [populr]}", "did you mean popular?"),
        ("evaluate: {baselines: popular}", "expected auto or a list, each one of popular, recent_popular, item_knn"),
        ("evaluate: {recent_half_life: 0s}", "expected auto or a length of time such as 30d or 12h (units: s m h d w), got '0s'"),
        ("evaluate: {recent_half_life: 0.0000004s}", "evaluate.recent_half_life (line 2): this is shorter than a microsecond, the resolution of timestamps, got"),
        ("train: {budget: {time: 0.0000004s}}", "train.budget.time (line 2): this is shorter than a microsecond"),
        ("evaluate: {recent_half_life: infinite}", "expected auto or a length of time"),
        ("evaluate: {gate: {at_least: strongst}}", "did you mean strongest?"),
        ("evaluate: {exclude_seen: yes}", "expected true or false, got 'yes'"),
        ("evaluate: {split: {by: tim}}", "evaluate.split.by (line 2): expected one of auto, time, last, random, users, file, got 'tim'; did you mean time?"),
        ("evaluate: {split: {test: 7x}}", "evaluate.split.test (line 2): expected a length of time such as 30d or 12h"),
        ("evaluate: {split: {by: time, test: 7x}}", "expected a length of time such as 30d or 12h (units: s m h d w), or a date or time such as 2026-01-31 or 2026-01-31T06:00:00Z, got '7x'"),
        ("evaluate: {gate: {metric: ndcg}}", "evaluate.gate.metric (line 2): "),
        ("tune: {metric: gini@10}", "for example ndcg@10, got 'gini@10'"),
        ("tune: {space: {alpha: [5, 1]}}", "the lower bound comes first, got [5, 1]"),
        ("tune: {space: {alpha: [5]}}", "expected two numbers from 0 to 1000000000, [lowest, highest], got [5]"),
        ("tune: {space: {regularization: [0, 1]}}", "tune.space.regularization, entry 1 (line 2): expected a number above 0 and of at most 1000000000, got 0"),
        ("tune: {space: {regularization: 3}}", "expected auto or two numbers above 0 and of at most 1000000000, [lowest, highest], got 3"),
        ("workspace: 2026", "workspace (line 2): expected a path, got 2026; in quotes it is text"),
        ("train:", "train (line 2): this section is empty: give it keys, or remove it"),
        ("train: fast", "train (line 2): expected a section with keys engine, objective, factors, regularization and others, got 'fast'"),
        ("train:\n  factors:8", "got 'factors:8'; a space is missing after the colon"),
        ("recommend: {users: {active_since: x}}", "recommend.users.active_since (line 2): expected a length of time"),
        ("recommend: {users: 5}", "expected all, {active_since: …} or {file: …}, got 5"),
        ("recommend: {items: {catalog: c.csv, columns: {title: true}}}", "expected text, a whole number or null, got true; in quotes it is text"),
    ],
)  # fmt: skip
def test_messages_by_example(tmp_path, text, says):
    refused = refusal(tmp_path / "shop.yaml", f"events: {{source: e.csv}}\n{text}")
    assert refused is not None
    assert refused.problems == ()
    assert says in refused.message


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("train: {fators: 3}", "train.fators (line 2): unknown key, did you mean factors?"),
        ("factors: 3", "factors (line 2): unknown key, did you mean train.factors?"),
        ("evaluate: {split: {byy: time, test: 7d}}", "evaluate.split.byy (line 2): unknown key, did you mean by?"),
        ("evaluate: {split: {by: users, fold_inn: 0.5}}", "evaluate.split.fold_inn (line 2): unknown key, did you mean fold_in?"),
        ("evaluate: {candidates: {pth: c.csv}}", "evaluate.candidates.pth (line 2): unknown key, did you mean path?"),
        ("recommend: {users: {active_sinc: 30d}}", "recommend.users.active_sinc (line 2): unknown key, did you mean active_since?"),
        ("recommend: {users: {flie: u.csv}}", "recommend.users.flie (line 2): unknown key, did you mean file?"),
        ("recommend: {users: {file: u.csv, colum: id}}", "recommend.users.colum (line 2): unknown key, did you mean column?"),
        ("recommend: {items: {catlog: c.csv}}", "recommend.items.catlog (line 2): unknown key, did you mean catalog?"),
        ("recommend: {items: {catalog: c.csv, 1: x}}", "recommend.items.1 (line 2): unknown key"),
        ("null: x", "null (line 2): unknown key; known here: embeddings, "),
        ("true: x", "true (line 2): unknown key"),
        ("1.5: x", "1.5 (line 2): unknown key"),
        ("2026-01-31: x", "2026-01-31 (line 2): unknown key"),
    ],
)  # fmt: skip
def test_one_misspelt_key_is_one_problem(tmp_path, text, says):
    refused = refusal(tmp_path / "shop.yaml", f"events: {{source: e.csv}}\n{text}")
    assert refused is not None
    assert refused.problems == ()
    assert says in refused.message


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ("{sorce: e.csv}", "events.sorce (line 1): unknown key, did you mean source?"),
        ("{source: [{pth: e.csv}]}", "events.source, entry 1, pth (line 1): unknown key, did you mean path?"),
        ("{source: [{path: e.csv, colums: {}}]}", "events.source, entry 1, colums (line 1): unknown key, did you mean columns?"),
        ("{source: [1]}", "events.source, entry 1 (line 1): expected a path or {path: …}, got 1"),
        ("{source: {path: e.csv}}", "expected a path or a list of one or more entries, each a path or {path: …}, got {path: 'e.csv'}"),
    ],
)  # fmt: skip
def test_sources_are_told_apart(tmp_path, events, says):
    refused = refusal(tmp_path / "shop.yaml", f"events: {events}")
    assert refused is not None
    assert refused.problems == ()
    assert says in refused.message


def test_a_missing_required_key_and_an_unrelated_unknown_key_are_two_problems(tmp_path):
    refused = refusal(tmp_path / "shop.yaml", "events: {half_life: 3d, colour: red}")
    assert len(refused.problems) == 2
    assert {problem.partition(" (")[0] for problem in refused.problems} == {"events.source", "events.colour"}


def test_no_type_of_the_config_is_without_words():
    # A new kind of annotation needs words of its own: the walk above would only show it as a failure of its key.
    kinds = {get_origin(part) or part for part in _leaves(Config)}
    assert kinds <= {str, int, float, bool, type(None), timedelta, datetime, Literal, dict}
    assert math.isfinite(len(kinds))


def _leaves(model: type[BaseModel]) -> Iterator[Any]:
    for field in model.model_fields.values():
        yield from _leaves_of(field.annotation)


def _leaves_of(annotation: Any) -> Iterator[Any]:
    origin = get_origin(annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _leaves(annotation)
    elif origin is Annotated:
        yield from _leaves_of(get_args(annotation)[0])
    elif origin in (Literal, dict) or origin is None:
        yield annotation
    else:
        for part in get_args(annotation):
            if part is not Ellipsis:
                yield from _leaves_of(part)

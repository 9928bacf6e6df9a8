"""Random configs, settings and conditions for the fuzzers: small valid ones, changed by byte or by value."""

import random
import re
from typing import Any

import yaml

BASE = """\
workspace: work
threads: 2
events:
  source: [events.csv, {path: 'b*.parquet', columns: {user: 1, item: 2}, header: true, separator: tab}]
  columns: {user: user_id, item: item_id, timestamp: ts, type: kind, value: n}
  id_types: {user: auto, item: string}
  where: n > 0 and kind <> 'view'
  types: {view: 1, cart: 3, buy: 5.5}
  as_of: 2026-01-31T06:00:00Z
  half_life: 30d
  min_user_interactions: 2
  max_bad_fraction: 0.1
train:
  factors: auto
  regularization: 0.005
  iterations: 8
  seed: 7
  confidence: {form: log, alpha: 10, user_exponent: 0.2}
  fold_in: {half_life: infinite}
  demand: {half_life: 30d, exponent: 0.5}
  budget: {time: 10m, memory: 8}
evaluate:
  split: {by: time, test: 7d}
  at: [10, 20]
  baselines: [popular, item_knn]
  users: 1000
  gate: {metric: ndcg@10, at_least: popular}
  cohorts: {users: {path: u.csv, by: [country]}}
tune: {trials: 5, space: {factors: [16, 32], alpha: [0, 10]}, output: best.yaml}
recommend:
  top_n: 20
  users: {active_since: 30d}
  items: {catalog: items.csv, where: in_stock}
  output: {path: out/lists.csv, format: csv}
"""
WORDS: list[Any] = [
    *(None, True, False, 0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**400, 0.0, -0.0, 1e308, -1e308, 5e-324),
    *(float("inf"), float("nan"), "", " ", "-", "~", "auto", "all", "none", "null", "\0", "\x07", "\u2028", "\ufeff"),
    *("\ud800", "ü" * 300, "^a.*$", "*", "[", "{a", "%", "%Y", "%Q", "1e999", "9" * 5000, "s3://x/y", "~nobody/x"),
    *("30d", "0d", "9999999d", "1e5d", "0001-01-01", "9999-12-31", "2026-02-30", "12:61", "<<", "!!python/object:os"),
    *("ndcg@0", "ndcg@99999999999", "gini@10", "user_id", "'", '"', "a" * 70_000, "1 in (select 1)", "((((", "rot13"),
    *([], {}, [[]], [None], {"a": {}}, {"by": "file"}, {"by": "last", "n": 0}, [1, "a"], {1: 2}, {None: 1}),
]  # fmt: skip
_BYTES = [
    b"\0",
    b"\xff",
    b"\n",
    b"\r\n",
    b'"',
    b",",
    b"\x80",
    b"\xef\xbb\xbf",
    b"{",
    b"[",
    b"]",
    b"\x1f\x8b",
    b"PAR1",
]
_INTEGERS = [0, 1, -1, 127, 128, 255, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63), 2**40]


def mutated_bytes(content: bytes, rng: random.Random) -> bytes:
    """Return `content` after one to eight random changes."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        _mutate(changed, rng)
    return bytes(changed)


def _mutate(changed: bytearray, rng: random.Random) -> None:
    size = len(changed)
    start = rng.randrange(size + 1)
    end = min(size, start + rng.choice((1, 1, 2, 4, 8, 50)))
    kind = rng.randrange(7)
    if kind == 0 and size:
        changed[min(start, size - 1)] ^= 1 << rng.randrange(8)
    elif kind == 1:
        del changed[start:end]
    elif kind == 2:
        changed[start:start] = changed[start:end] * rng.choice((1, 2, 100))
    elif kind == 3:
        changed[start:start] = rng.randbytes(rng.choice((1, 2, 4, 16)))
    elif kind == 4:
        changed[start:end] = rng.choice(_BYTES)
    elif kind == 5:
        width = rng.choice((1, 2, 4, 8))
        number = rng.choice(_INTEGERS) % (1 << 8 * width)
        changed[start : start + width] = number.to_bytes(width, "little")
    else:
        del changed[start:]


def mutated_tree(tree: Any, rng: random.Random) -> Any:
    """Return the config `tree` with one value, key or entry changed."""
    if rng.random() < 0.2 or not tree or not isinstance(tree, (dict, list)):
        return rng.choice(WORDS)
    if isinstance(tree, list):
        position = rng.randrange(len(tree))
        return [mutated_tree(entry, rng) if k == position else entry for k, entry in enumerate(tree)]
    key = rng.choice(list(tree))
    changed = dict(tree)
    kind = rng.randrange(8)
    if kind == 0:
        del changed[key]
    elif kind == 1:
        changed[rng.choice((str(key)[:-1], f"{key}x", rng.choice(["a", "by", 1, None, ""])))] = changed.pop(
            key
        )
    else:
        changed[key] = mutated_tree(changed[key], rng)
    return changed


_SECTIONS = {text.partition(":")[0]: text for text in re.findall(r"^\w.*\n(?:  .*\n)*", BASE, re.MULTILINE)}
"""The text of each section of BASE. A config has some of them, because the time to read it depends on its length."""


def config_text(rng: random.Random) -> bytes:
    """Return the text of a config of random sections with wrong values, wrong bytes or both."""
    chosen = [text for name, text in _SECTIONS.items() if name == "events" or rng.random() < 0.3]
    text = "".join(chosen)
    if rng.random() < 0.7:
        tree = yaml.load(text, yaml.CSafeLoader)
        for _ in range(rng.choice((1, 1, 2, 4))):
            tree = mutated_tree(tree, rng) if isinstance(tree, dict) else tree
        text = yaml.dump(tree, sort_keys=False, allow_unicode=rng.random() < 0.5)
    content = text.encode("utf-8", errors="surrogatepass")
    return mutated_bytes(content, rng) if rng.random() < 0.5 else content


SETTINGS = (
    *(
        "train.factors=256",
        "train={factors: 8, seed: 1}",
        "evaluate.split={by: time, test: 7d}",
        "threads=auto",
    ),
    *(
        "events.columns={user: 1, item: b}",
        "events.types={view: 1, buy: 5}",
        "events.half_life=30d",
        "keep=3",
    ),
    *("events.where=price > 0 and (kind = 'view' or \"a b\" is null)", "recommend.output.path=out/x.csv"),
    *("recommend.items={catalog: i.csv, where: a in (1, 2) and lower(b) like 'x%'}", "evaluate.at=[10, 20]"),
    *("recommend.users={active_since: 2026-01-31}", "tune.space.factors=[8, 16]", "events.as_of=2026-01-31"),
    *(
        "events.source=[a.csv, {path: b*, columns: {user: u}}]",
        "evaluate.gate={metric: ndcg@10, at_least: 0.1}",
    ),
    *("events.where=case when a > 1 then cast(b as int) else length(c) end between 1 and 9", "tune.time=1h"),
)


def setting(rng: random.Random) -> str:
    """Return a changed ``KEY=VALUE`` of ``--set``. Bytes that are not UTF-8 are as the shell passes them."""
    text = rng.choice(SETTINGS)
    if rng.random() < 0.2:
        text = f"{text.partition('=')[0]}={rng.choice(WORDS)}"
    if rng.random() < 0.9:
        content = mutated_bytes(text.encode("utf-8", errors="surrogatepass"), rng)
        text = content.decode("utf-8", errors="surrogateescape")
    return text


CONDITIONS = (
    "n > 1 and kind <> 'view'",
    "cast(n as int) > 1 or user_id is not null",
    "case when n > 1 then length(user_id) else 0 end between 1 and 9",
    "kind in ('view', 'buy') and lower(item_id) like 'i%'",
    "ts >= date '2025-03-02' and extract(year from ts) = 2025",
    "ts + interval '1 day' < timestamp '2025-03-05 00:00:00' is true",
    "coalesce(nullif(kind, 'view'), 'x') || user_id not like '%3' and not (n::int % 2 = 0)",
    "abs(round(n / 0)) <> -n * 2 and \"user_id\" ilike '_1'",
)
_PIECES = [piece for text in CONDITIONS for piece in re.findall(r"'[^']*'|\"[^\"]*\"|\w+|\S", text)]


def condition(rng: random.Random) -> str:
    """Return the text of a condition, with tokens or bytes changed."""
    tokens = re.findall(r"'[^']*'|\"[^\"]*\"|\w+|\S", rng.choice(CONDITIONS))
    for _ in range(rng.choice((0, 1, 1, 2, 4))):
        start = rng.randrange(len(tokens) + 1)
        new = [
            rng.choice(_PIECES) if rng.random() < 0.9 else str(rng.choice(WORDS))
            for _ in range(rng.randrange(3))
        ]
        tokens[start : start + rng.randrange(3)] = new
    text = " ".join(tokens)
    if rng.random() < 0.2:
        return mutated_bytes(text.encode("utf-8", errors="replace"), rng).decode("utf-8", errors="replace")
    return text

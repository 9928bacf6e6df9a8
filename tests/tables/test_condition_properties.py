"""Random valid conditions follow SQL semantics, and every accepted condition reads one row at a time."""

import operator
import re

import polars as pl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from als_cli.config.condition_words import FUNCTIONS
from als_cli.errors import ConfigError, DataError
from als_cli.tables.conditions import mark

OR, AND, NOT, COMPARISON, SUM, PRODUCT, ATOM = range(7)
"""Precedence of an expression, from the lowest."""

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.none() | st.integers(-4, 4),
            "m": st.none() | st.integers(-4, 4),
            "s": st.none() | st.sampled_from(["", "a", "ab", "it's", "%"]),
            "b": st.none() | st.booleans(),
        }
    ),
    min_size=1,
    max_size=6,
)
SCHEMA = {"n": pl.Int64, "m": pl.Int64, "s": pl.String, "b": pl.Boolean}


def wrapped(expression, level):
    text, own, _ = expression
    return text if own >= level else f"({text})"


def strict(function):
    return lambda *values: None if None in values else function(*values)


def truncated(quotient):
    return strict(lambda a, b: None if b == 0 else quotient(a, b))


def floor_to_zero(a, b):
    return abs(a) // abs(b) * (1 if a * b >= 0 else -1)


def conjunction(a, b):
    return False if False in (a, b) else None if None in (a, b) else True


def disjunction(a, b):
    return True if True in (a, b) else None if None in (a, b) else False


def negation(a):
    return None if a is None else not a


def among(value, entries):
    if value is None:
        return None
    return True if value in entries else None if None in entries else False


def like(text, pattern):
    parts = {"%": ".*", "_": "."}
    return bool(re.fullmatch("".join(parts.get(c, re.escape(c)) for c in pattern), text, re.DOTALL))


def infix(symbol, level, function, left, right, left_level=None):
    text = (
        f"{wrapped(left, level if left_level is None else left_level)} {symbol} {wrapped(right, level + 1)}"
    )
    return text, level, lambda row: function(left[2](row), right[2](row))


def column(name):
    return name, ATOM, lambda row: row[name]


def literal(value):
    shown = "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)
    return shown, ATOM, lambda _: value


def numbers(deeper):
    signed = {"+": operator.add, "-": operator.sub}
    products = {"//": floor_to_zero, "%": lambda a, b: a - b * floor_to_zero(a, b)}
    return st.one_of(
        st.builds(lambda o, a, b: infix(o, SUM, strict(signed[o]), a, b), st.sampled_from("+-"), deeper, deeper),
        st.builds(lambda a, b: infix("*", PRODUCT, strict(operator.mul), a, b), deeper, small_number),
        st.builds(lambda o, a, b: infix(o, PRODUCT, truncated(products[o]), a, b), st.sampled_from(sorted(products)), deeper, deeper),
        st.builds(lambda a: (f"- {wrapped(a, ATOM)}", PRODUCT, lambda row: strict(operator.neg)(a[2](row))), deeper),
        st.builds(lambda a: (f"abs({a[0]})", ATOM, lambda row: strict(abs)(a[2](row))), deeper),
        st.builds(lambda a, b: (f"coalesce({a[0]}, {b[0]})", ATOM, lambda row: b[2](row) if a[2](row) is None else a[2](row)), deeper, deeper),
        st.builds(lambda a, b: (f"nullif({a[0]}, {b[0]})", ATOM, lambda row: None if a[2](row) == b[2](row) else a[2](row)), deeper, deeper),
        st.builds(lambda c, a, b: (f"case when {c[0]} > 0 then {a[0]} else {b[0]} end", ATOM, lambda row: a[2](row) if (c[2](row) or 0) > 0 else b[2](row)), st.sampled_from([column("n"), column("m")]), deeper, deeper),
    )  # fmt: skip


def texts(deeper):
    return st.one_of(
        st.builds(lambda a: (f"upper({a[0]})", ATOM, lambda row: strict(str.upper)(a[2](row))), deeper),
        st.builds(lambda a, b: (f"({a[0]} || {b[0]})", ATOM, lambda row: strict(operator.add)(a[2](row), b[2](row))), deeper, deeper),
    )  # fmt: skip


small_number = st.sampled_from([column("n"), column("m"), *map(literal, range(4))])
number = st.recursive(small_number, numbers, max_leaves=4)
text = st.recursive(
    st.sampled_from([column("s"), *map(literal, ["", "a", "it's", "--", "/*"])]), texts, max_leaves=3
)
COMPARE = {
    "=": operator.eq, "==": operator.eq, "<>": operator.ne, "!=": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@st.composite
def comparison(draw):
    kind = draw(st.sampled_from([number, text]))
    a, b, symbol = draw(kind), draw(kind), draw(st.sampled_from(sorted(COMPARE)))
    return infix(symbol, COMPARISON, strict(COMPARE[symbol]), a, b, SUM)


@st.composite
def predicate(draw):
    a, low, high = draw(number), draw(number), draw(number)
    negated = draw(st.booleans())
    word, turn = ("not ", negation) if negated else ("", lambda value: value)
    entries = draw(st.lists(st.none() | st.integers(-3, 3), min_size=1, max_size=4))
    shown = ", ".join("null" if value is None else str(value) for value in entries)
    own, s, pattern = wrapped(a, SUM), draw(text), draw(st.sampled_from(["", "a%", "%'s", "_", "%b", "%"]))
    between = f"{own} {word}between {wrapped(low, SUM)} and {wrapped(high, SUM)}"
    quoted = literal(pattern)[0]
    return draw(
        st.sampled_from(
            [
                (f"{own} {word}in ({shown})", COMPARISON, lambda row: turn(among(a[2](row), entries))),
                (f"{own} is {word}null", COMPARISON, lambda row: turn(a[2](row) is None)),
                (
                    between,
                    COMPARISON,
                    lambda row: turn(
                        conjunction(
                            strict(operator.ge)(a[2](row), low[2](row)),
                            strict(operator.le)(a[2](row), high[2](row)),
                        )
                    ),
                ),
                (
                    f"{wrapped(s, SUM)} {word}like {quoted}",
                    COMPARISON,
                    lambda row: turn(strict(like)(s[2](row), pattern)),
                ),
            ]
        )
    )


def connected(deeper):
    return st.one_of(
        st.builds(lambda a, b: infix("and", AND, conjunction, a, b), deeper, deeper),
        st.builds(lambda a, b: infix("or", OR, disjunction, a, b), deeper, deeper),
        st.builds(lambda a: (f"not {wrapped(a, NOT)}", NOT, lambda row: negation(a[2](row))), deeper),
    )


condition = st.recursive(
    comparison() | predicate() | st.sampled_from([column("b"), literal(True), literal(False)]),
    connected,
    max_leaves=8,
)


def kept(table, where):
    marked = mark(table.lazy(), where, "kept", key="events.where", file="e.csv").collect()
    assert marked.drop("kept").equals(table)
    return marked["kept"].to_list()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=ROWS, built=condition, upper=st.booleans())
def test_conditions_follow_three_valued_logic(rows, built, upper):
    where, _, holds = built
    if upper:
        where = re.sub(r"\b(and|or|not|in|is|null|like|between|case|when|end)\b(?=[^']*(?:'[^']*'[^']*)*$)",
                       lambda found: found[0].upper(), where)  # fmt: skip

    assert kept(pl.DataFrame(rows, schema=SCHEMA), where) == [holds(row) is True for row in rows]


PIECES = [
    *("n", "m", "s", "b", '"n"', "`m`", "1", "2.5", "'a'", "'it''s'", "true", "null", "(", ")", ",", "(", ")"),
    *("and", "or", "not", "in", "is", "between", "like", "~", "=", "<", "+", "-", "*", "/", "//", "%", "||", "&"),
    *("|", "::", "int", "text", "boolean", "case", "when", "then", "else", "end", "distinct", "from", "as"),
    *("cast", "extract", "interval", "'1 day'", "date", "'2026-01-01'", "select", "with", "values", "table"),
    *("sum", "count", "first", "over", "filter", "where", "unnest", "read_csv", "'secret.csv'", "exists", "any"),
    *("array", "[", "]", "{", "}", ".", ";", ":", "?", "$1", "--", "/*", "*/", "\n", "all", "lateral", "union"),
]  # fmt: skip
TABLE = pl.DataFrame(
    {"n": [3, None, 1, 2], "m": [1, 2, 2, None], "s": ["b", "a", None, "a"], "b": [True, False, None, True]},
    schema=SCHEMA,
).with_columns(
    d=pl.Series(["2026-01-31", None, "2020-06-01", "2020-01-01"]).str.to_datetime("%Y-%m-%d"),
    t=pl.Series(["31.12.2026", "01.02.2020", None, "02.01.1999"]),
)  # fmt: skip


USES = {
    **{name: f"{name}(s) = 'a'" for name in ("lower", "upper", "trim", "ltrim", "rtrim", "concat")},
    **{name: f"{name}(s) = 1" for name in ("length", "char_length")},
    **{name: f"{name}(s, 1) = 'a'" for name in ("left", "right")},
    **{name: f"{name}(s, 1, 1) = 'a'" for name in ("substr", "substring")},
    **{name: f"{name}(s, 'a')" for name in ("starts_with", "ends_with", "regexp_like")},
    **{name: f"{name}(n) = 1" for name in ("abs", "round", "floor", "ceil", "ceiling", "sign", "sqrt")},
    **{name: f"{name}(n) < 1" for name in ("exp", "ln", "log2", "log10")},
    **{name: f"{name}(n, m) = 1" for name in ("power", "pow", "mod", "greatest", "least")},
    **{name: f"{name}(n, m) = 2" for name in ("coalesce", "ifnull", "nullif")},
    **{
        name: f"{name}(d) = 1"
        for name in ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
    },
    **{name: f"{name}(d) = 1" for name in ("dayofweek", "dayofyear")},
    "replace": "replace(s, 'a', 'b') = 'b'",
    "concat_ws": "concat_ws('-', s, s) = 'a-a'",
    "strpos": "strpos(s, 'a') = 1",
    "if": "if(b, n, m) = 2",
    "date_part": "date_part('month', d) = 1",
    "strftime": "strftime(d, '%m') = '01'",
    "strptime": "strptime(t, '%d.%m.%Y') > d",
    "date": "date(t, '%d.%m.%Y') > d",
}


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_reads_one_row(name):
    together = kept(TABLE, USES[name])

    assert together == [kept(TABLE[row], USES[name])[0] for row in range(TABLE.height)]


@settings(max_examples=500, deadline=None)
@given(
    use=st.sampled_from(sorted(USES.values())),
    edits=st.lists(
        st.tuples(st.integers(0, 15), st.integers(0, 2), st.sampled_from(PIECES)), min_size=1, max_size=3
    ),
)
@example(use="n = 1", edits=[(0, 1, "sum ( n )")])
@example(use="n = 1", edits=[(3, 0, "over ( )")])
@example(use="strptime(t, '%d.%m.%Y') > d", edits=[(2, 1, "s")])
def test_every_accepted_condition_reads_one_row(use, edits):
    tokens = re.findall(r"'[^']*'|\w+|[^\w\s]", use)
    for place, removed, piece in edits:
        tokens[place : place + removed] = [piece]
    where = " ".join(tokens)
    try:
        together = kept(TABLE, where)
    except (ConfigError, pl.exceptions.PolarsError):
        return
    except DataError:  # a value cannot be read as a date, so its row alone cannot be read either
        with pytest.raises(DataError):
            [kept(TABLE[row], where) for row in range(TABLE.height)]
        return

    assert together == [kept(TABLE[row], where)[0] for row in range(TABLE.height)]

"""The shape of delimited text: encoding, separator, quote and header."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from als_cli.errors import DataError
from als_cli.guessing.text_shape import encoding_of, text_shape

NAMES = ["user_id", "item_id", "rating"]


def shape_of(text, encoding="utf-8"):
    return text_shape(text.encode(encoding), encoding, "e.csv", is_whole=True)


@given(
    separator=st.sampled_from([",", ";", "\t", "|"]),
    rows=st.lists(
        st.tuples(st.integers(0, 10**9), st.text(st.sampled_from("abcXYZ '"), min_size=1), st.floats(0, 5)),
        min_size=5,
        max_size=30,
    ),
    header=st.booleans(),
)
def test_the_shape_of_written_text_is_found(separator, rows, header):
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator)
    writer.writerows([NAMES] * header + rows)
    found = shape_of(text.getvalue())
    assert (found.separator, found.header) == (separator, header)
    assert found.names == (tuple(NAMES) if header else ("1", "2", "3"))


@pytest.mark.parametrize(
    ("text", "separator", "header", "quote"),
    [
        ("1::1193::5::978300760\n2::661::3::978302109\n", ":", False, '"'),
        ("196\t242\t3\t881250949\n186\t302\t3\t891717742\n", "\t", False, '"'),
        ("a b\nc d\ne f\n", " ", True, '"'),
        ('user,title\n1,3" disk\n2,5" disk\n3,7" disk\n', ",", True, "none"),
        ('user,title\n1,"a, b"\n2,"c ""d"""\n', ",", True, '"'),
        ('user,text\n1,"a\nb, ""c"""\n2,"d\ne"\n', ",", True, '"'),
        ('1\t"Heroes" (2008)\tx\n2\t"Up (2009)\ty\n3\tIt\tz\n4\tIt\tz\n', "\t", False, "none"),
        ("anna,tea\nbert,tea\nanna,jam\n", ",", False, '"'),
        ("user;price\n1;2,5\n2;3,5\n", ";", True, '"'),
        ("1\ta\tThe Band, live\t3\n2\tb\tA Band, live\t4\n", "\t", False, '"'),
    ],
)
def test_special_shapes(text, separator, header, quote):
    found = shape_of(text)
    assert (found.separator, found.header, found.quote) == (separator, header, quote)


def test_a_header_of_unknown_words_above_numbers_is_a_header():
    found = shape_of("foo,bar\n1,2\n3,4\n")
    assert found.header
    assert found.header_confidence >= 0.9
    assert "numbers" in found.header_reason


def test_a_header_of_unknown_words_above_words_is_not_sure():
    assert shape_of("foo,bar\nx,y\nz,w\n").header_confidence < 0.6


@pytest.mark.parametrize(
    ("pieces", "encoding"),
    [
        ([b"user,item\n"], "utf-8"),
        (["Käse".encode()[:3]], "utf-8"),
        ([b"plain", "K\u00e4se \u20ac".encode("cp1252")], "cp1252"),
        ([b"\x81\x8d\x8f\xe4"], "latin-1"),
        (["user,item\n".encode("utf-16")], "utf-16"),
    ],
)
def test_the_encoding_is_found(pieces, encoding):
    assert encoding_of(pieces, "e.csv") == encoding


def test_zero_bytes_are_no_text():
    with pytest.raises(DataError, match="zero bytes"):
        encoding_of([b"a\0b"], "e.csv")


@pytest.mark.parametrize("text", ['[{"user": 1}, {"user": 2}]', '[\n{"user": 1},\n{"user": 2}\n]\n'])
def test_a_json_array_is_refused_with_a_way_out(text):
    with pytest.raises(DataError, match="JSON array") as refused:
        shape_of(text)
    assert "NDJSON" in str(refused.value.hint)


@given(st.binary(max_size=300))
def test_any_bytes_give_a_shape_or_an_expected_error(head):
    try:
        encoding = encoding_of([head], "e.csv")
        found = text_shape(head, encoding, "e.csv", is_whole=True)
    except DataError:
        return
    assert found.separator in ",\t;|: "

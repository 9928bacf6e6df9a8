"""Columns with German, French and Spanish names, titles with unknown names, and decimal commas."""

import polars as pl
import pytest

from als_cli.config.loading import load_config
from als_cli.guessing.names import name_score, words_in
from tests.event_shapes import retail_rocket
from tests.in_process import als_here, done

ROLES = ("user", "item", "timestamp", "value", "title")
TABLES = {
    "German": ("Kundennummer", "Artikelnummer", "Bestelldatum", "Menge", "Artikelbezeichnung", "Preis"),
    "German short": ("Kunde", "Artikel", "Datum", "Anzahl", "Bezeichnung", "Betrag"),
    "French": ("id_client", "code_produit", "date_commande", "quantité", "nom_produit", "prix"),
    "French short": ("Client", "Produit", "Date", "Quantité", "Libellé", "Montant"),
    "Spanish": ("cliente_id", "producto_id", "fecha", "cantidad", "nombre_producto", "precio"),
    "Spanish short": ("Cliente", "Artículo", "Fecha", "Cantidad", "Título", "Importe"),
}


def sales(folder, names, **columns):
    """Write sales with `names` of user, item, time, quantity, title and price; `columns` replace some of them."""
    events = pl.read_csv(retail_rocket(folder))
    item = pl.col("itemid")
    made = {
        "price": (item % 7 + 1) * 1.5,
        "user": pl.col("visitorid"),
        "title": pl.format("Rote Tasse {}", item),
        "time": pl.from_epoch("timestamp", "ms").dt.strftime("%d.%m.%Y %H:%M"),
        "item": item,
        "quantity": pl.col("timestamp") % 5 + 1,
        **columns,
    }
    by_role = dict(zip(("user", "item", "time", "quantity", "title", "price"), names, strict=True))
    path = folder / "sales.csv"
    events.select(column.alias(by_role[role]) for role, column in made.items()).write_csv(path)
    return path


@pytest.mark.parametrize("language", TABLES)
def test_columns_are_found_by_their_names(tmp_path, language):
    names, config = TABLES[language], tmp_path / "als.yaml"
    report = done("init", sales(tmp_path, names), "--output", config)  # without --yes: no guess is unsure
    guesses = {guess["key"].rsplit(".", maxsplit=1)[-1]: guess["value"] for guess in report["guesses"]}
    assert {role: guesses.get(role) for role in ROLES} == dict(zip(ROLES, names[:5], strict=True))
    assert done("check", "-c", config)["ok"]


def test_accents_do_not_divide_words():
    assert words_in("Quantité_totale") == ["quantite", "totale"]
    assert words_in("größeCode") == ["grosse", "code"]
    assert name_score("value", "QUANTITÉ") == name_score("value", "quantite") > 0.9


def test_a_text_that_agrees_per_item_is_a_likely_title(tmp_path):
    names = ("user_id", "item_id", "ts", "qty", "xyz", "price")
    report = done("init", sales(tmp_path, names), "--yes", "--output", tmp_path / "als.yaml")
    title = next(guess for guess in report["guesses"] if guess["key"] == "events.columns.title")
    assert (title["value"], title["sureness"]) == ("xyz", "likely")


@pytest.mark.parametrize(
    "text",
    [
        pl.format("Rote Tasse {}", pl.col("itemid") + pl.int_range(pl.len()) // 2399),  # one row differs
        pl.format("Tasse{}", "itemid"),
        pl.format("https://shop.example/{}", "itemid"),
        pl.format("Kleine Tasse {}", pl.col("itemid") % 5),
    ],
)
def test_other_texts_with_unknown_names_are_no_titles(tmp_path, text):
    names = ("user_id", "item_id", "ts", "qty", "xyz", "price")
    report = done("init", sales(tmp_path, names, title=text), "--yes", "--output", tmp_path / "als.yaml")
    assert "events.columns.title" not in {guess["key"] for guess in report["guesses"]}


def test_a_value_with_decimal_commas_has_a_note(tmp_path):
    comma = pl.format("{},5", pl.col("timestamp") % 5 + 1)
    path = sales(tmp_path, TABLES["German"], quantity=comma)
    config = tmp_path / "als.yaml"
    report = done("init", path, "--yes", "--output", config)
    convert = "try_cast(replace(Menge, ',', '.') as double)"
    assert report["notes"] == [
        "column 'Menge', which would be the value: its numbers have decimal commas; a query can convert them: "
        + convert
    ]
    found = load_config(config, environment={}).events
    assert found.columns.value is None
    query = f"select Kundennummer as user_id, Artikelnummer as item_id, Bestelldatum as ts, {convert} as value from events"
    text = config.read_text(encoding="utf-8")
    start, end = text.index("  columns:"), text.index("  timestamp_format:")
    columns = f"  query: {query}\n  columns: {{timestamp: ts, value: value}}\n"
    config.write_text(text[:start] + columns + text[end:], encoding="utf-8")
    ended = als_here("check", "-c", config)
    assert ended.returncode == 0, ended.stdout + ended.stderr

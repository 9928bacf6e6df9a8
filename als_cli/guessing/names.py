"""What the name of a column says about its role."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_]+")
MAXIMUM_COLUMNS = 300
"""Maximum number of columns of a sample."""
_MINIMUM_PART = 4
"""Minimum length of a known word that is only a part of a word in a name, as `visitor` in `visitorid`."""

_USER = {
    **dict.fromkeys(("user", "visitor", "customer", "reviewer", "shopper", "uid", "usuario", "kunde"), 0.9),
    **dict.fromkeys(
        ("member", "person", "buyer", "subscriber", "listener", "usr", "patron", "learner"), 0.85
    ),
    **dict.fromkeys(("client", "cust", "viewer", "reader", "cliente", "kunden", "consumer", "student"), 0.8),
    **dict.fromkeys(("account", "player", "email", "profile", "household", "anonymous", "msisdn"), 0.7),
    **dict.fromkeys(("kundin", "nutzer", "benutzer", "kaeufer", "kaufer", "utilisateur", "comprador"), 0.85),
    **dict.fromkeys(("cookie", "login", "device", "guest"), 0.55),
    **dict.fromkeys(("session", "author"), 0.4),
}
_NOT_USER = {
    **dict.fromkeys(("agent", "country", "city", "region", "gender", "age", "segment", "rating"), 0.1),
    **dict.fromkeys(
        ("type", "count", "group", "score", "language", "address", "time", "date", "address"), 0.2
    ),
    **dict.fromkeys(("name", "first", "last", "phone", "vorname", "nachname", "nom", "prenom"), 0.5),
    **dict.fromkeys(("land", "pays", "pais", "stadt", "ville", "ciudad", "ort", "plz"), 0.1),
    **dict.fromkeys(("nombre", "apellido", "apellidos"), 0.5),
    **dict.fromkeys(("order", "transaction", "invoice", "item", "product", "property", "properties"), 0.3),
}
_ITEM = {
    **dict.fromkeys(("asin", "isbn"), 0.95),
    **dict.fromkeys(
        ("item", "product", "sku", "movie", "film", "book", "anime", "stockcode", "producto"), 0.9
    ),
    **dict.fromkeys(("article", "track", "song", "listing", "restaurant", "venue", "poi", "video"), 0.85),
    **dict.fromkeys(("course", "recipe", "beer", "goods", "ean", "upc", "gtin", "artikel", "produkt"), 0.85),
    **dict.fromkeys(("artist", "album", "game", "hotel", "news", "podcast", "barcode", "produit"), 0.8),
    **dict.fromkeys(("articulo", "buch", "livre", "libro", "pelicula"), 0.8),
    **dict.fromkeys(("content", "business", "variant", "offer", "job", "post", "app", "episode"), 0.75),
    **dict.fromkeys(("show", "place", "document", "doc", "program", "lineitem", "location"), 0.65),
    **dict.fromkeys(("property", "object", "page", "target", "entity", "material", "ad", "paper"), 0.5),
    **dict.fromkeys(("url", "stock", "part", "service", "channel", "tag"), 0.4),
}
_NOT_ITEM = {
    **dict.fromkeys(("category", "cat", "brand", "class", "department", "vendor", "seller", "genre"), 0.2),
    **dict.fromkeys(("price", "quantity", "qty", "count", "total", "tax", "discount", "status"), 0.1),
    **dict.fromkeys(("type", "group", "color", "colour", "size", "rating", "time", "date", "list"), 0.2),
    **dict.fromkeys(("created", "compare", "requires", "taxable", "fulfillment", "revenue", "index"), 0.1),
    **dict.fromkeys(("name", "title", "user", "customer", "referrer", "order", "transaction"), 0.6),
    **dict.fromkeys(("description", "text", "image", "summary"), 0.4),
    **dict.fromkeys(("kategorie", "categorie", "categoria", "marke", "marque", "marca"), 0.2),
    **dict.fromkeys(("preis", "prix", "precio", "menge", "anzahl", "quantite", "cantidad"), 0.1),
    **dict.fromkeys(("bezeichnung", "beschreibung", "libelle", "nom", "nombre", "titre", "titulo"), 0.4),
    "parent": 0.97,
    "variant": 0.8,
}
_TIME = {
    **dict.fromkeys(("timestamp", "datetime"), 0.95),
    **dict.fromkeys(("ts", "unix", "epoch"), 0.9),
    **dict.fromkeys(("time", "date", "datum", "fecha", "zeitpunkt", "zeitstempel", "horodatage"), 0.85),
    **dict.fromkeys(("zeit", "heure", "hora"), 0.7),
    **dict.fromkeys(("created", "occurred", "played", "purchased", "ordered", "viewed", "watched"), 0.8),
    **dict.fromkeys(("when", "day", "at"), 0.6),
}
_NOT_TIME = {
    **dict.fromkeys(("birth", "birthday", "expires", "expiry", "release", "published", "signup"), 0.3),
    **dict.fromkeys(("registered", "joined", "first", "previous", "ingested", "server", "loaded"), 0.6),
    **dict.fromkeys(("updated", "modified", "paid", "cancelled", "canceled", "fulfilled", "touch"), 0.7),
    **dict.fromkeys(("zone", "offset", "spent", "id"), 0.4),
}
_TYPE = {
    **dict.fromkeys(("event", "behavior", "behaviour", "action", "eventtype", "eventname"), 0.85),
    **dict.fromkeys(("interaction", "verb", "activity"), 0.7),
    **dict.fromkeys(("ereignis", "aktion", "evenement", "evento", "accion"), 0.7),
    **dict.fromkeys(("typ", "tipo"), 0.5),
    **dict.fromkeys(("type", "status", "operation", "signal"), 0.5),
}
_NOT_TYPE = {
    **dict.fromkeys(("id", "time", "timestamp", "date", "value", "count", "category", "device"), 0.2),
    **dict.fromkeys(("product", "item", "payment", "user", "customer", "content", "page"), 0.4),
}
_VALUE = {
    **dict.fromkeys(("quantity", "qty", "rating", "playcount", "cantidad", "menge", "quantite"), 0.95),
    **dict.fromkeys(("anzahl", "stueckzahl", "stuckzahl", "bewertung", "valoracion", "puntuacion"), 0.9),
    **dict.fromkeys(("stars", "plays", "listens", "units", "pieces", "scrobbles"), 0.9),
    **dict.fromkeys(("duration", "dwell", "strength"), 0.8),
    **dict.fromkeys(("overall", "score", "seconds", "minutes", "watch", "weight", "frequency"), 0.7),
    **dict.fromkeys(("count", "value", "hours", "times"), 0.6),
}
_NOT_VALUE = {
    **dict.fromkeys(("price", "cost", "total", "tax", "discount", "revenue", "subtotal", "shipping"), 0.1),
    **dict.fromkeys(("id", "timestamp", "date", "user", "usd", "currency", "refund", "available"), 0.2),
    **dict.fromkeys(("preis", "betrag", "summe", "prix", "montant", "precio", "importe", "umsatz"), 0.1),
    **dict.fromkeys(("helpful", "votes", "unique", "micros"), 0.3),
}
_TITLE = {
    **dict.fromkeys(("title", "name", "titel", "titre", "titulo", "bezeichnung", "libelle"), 0.9),
    **dict.fromkeys(("nom", "nombre", "intitule", "denominacion"), 0.85),
    **dict.fromkeys(("description", "label", "desc", "descripcion", "designation"), 0.8),
}
_NOT_TITLE = {
    **dict.fromkeys(("user", "customer", "reviewer", "billing", "shipping", "first", "last", "file"), 0.2),
    **dict.fromkeys(("category", "brand", "list", "event", "page", "country", "city", "vendor"), 0.3),
    **dict.fromkeys(("kunde", "kunden", "client", "cliente", "vorname", "nachname", "prenom"), 0.2),
    **dict.fromkeys(("kategorie", "categorie", "categoria", "marke", "marque", "marca", "land"), 0.3),
    **dict.fromkeys(("promotion", "creative", "affiliation", "variant", "coupon"), 0.2),
}
_WORDS_OF_ROLE: dict[str, tuple[Mapping[str, float], Mapping[str, float]]] = {
    "user": (_USER, _NOT_USER),
    "item": (_ITEM, _NOT_ITEM),
    "timestamp": (_TIME, _NOT_TIME),
    "type": (_TYPE, _NOT_TYPE),
    "value": (_VALUE, _NOT_VALUE),
    "title": (_TITLE, _NOT_TITLE),
}
_KNOWN = 0.8
_ID = {"id", "key", "code", "number", "no", "hash", "nr"}
_ENDINGS = _ID | {"ids", "name", "num", "nummer", "email", "s", "type"}


def words_in(name: str) -> list[str]:
    """Return the words of a name in lower case, without accents: ``unixReviewTime`` gives unix, review, time."""
    plain = "".join(
        one
        for one in unicodedata.normalize("NFKD", name.replace("ß", "ss"))
        if not unicodedata.combining(one)
    )
    return [word.lower() for word in _WORDS.findall(plain)]


def name_score(role: str, name: str) -> float:
    """Return from 0 to 1 how well `name` fits a column of `role`; 0 if it has no known word."""
    known, doubtful = _WORDS_OF_ROLE[role]
    words = words_in(name)
    joined = "".join(words)
    best = max((_match(word, known) for word in [*words, joined]), default=0.0)
    if best == 0:
        return 0.0
    for word in words:
        best *= _penalty(word, doubtful)
    if role in ("user", "item"):
        best += 0.05 if _ID.intersection(words) or joined.endswith("id") else 0.0
        best -= 0.02 * max(0, len(words) - 2)
    return min(best, 0.99)


def likely_names(names: Sequence[str], wanted: Collection[str] = ()) -> list[str]:
    """Return at most MAXIMUM_COLUMNS of `names`, in their order: `wanted` ones, then those that fit a role the best."""
    if len(names) <= MAXIMUM_COLUMNS:
        return list(names)
    best = {name: max(name_score(role, name) for role in _WORDS_OF_ROLE) for name in names}
    ranked = sorted(range(len(names)), key=lambda n: (names[n] not in wanted, -best[names[n]], n))
    return [names[n] for n in sorted(ranked[:MAXIMUM_COLUMNS])]


def is_role_name(name: str) -> bool:
    """Return whether `name` is a known name of a column of events."""
    return len(name) < 60 and any(name_score(role, name) >= _KNOWN for role in _WORDS_OF_ROLE)


def _match(word: str, known: Mapping[str, float]) -> float:
    return max((score for part, score in known.items() if _has(word, part)), default=0.0)


def _penalty(word: str, doubtful: Mapping[str, float]) -> float:
    return min((factor for part, factor in doubtful.items() if _has(word, part)), default=1.0)


def _has(word: str, part: str) -> bool:
    """Return whether `word` is `part`, ends with it, or is `part` and a word for ids: ``visitorid``, ``invoicedate``."""
    if word == part or len(part) < _MINIMUM_PART:
        return word == part
    return word.endswith(part) or (word.startswith(part) and word.removeprefix(part) in _ENDINGS)

"""Shops whose lists are in a database, a Delta table or a file."""

import json
from dataclasses import replace

import adbc_driver_duckdb

from als_cli.config.loading import load_config
from als_cli.report.content import report_content
from als_cli.stages.context import StageContext
from als_cli.stages.report import artifacts_of
from als_cli.storage.published_lists import newest_lists
from als_cli.storage.sinks.target import target_of
from tests.in_process import done

EARLY = "2026-01-25"
KINDS = (
    *("postgres", "postgres lists", "duckdb", "duckdb lists", "any driver", "sqlite"),
    *("delta", "delta lists", "delta parts"),
)


class Shop:
    """The shop with one output."""

    def __init__(self, config, output, name):
        self.config, self.output, self.name = config, output, name

    @property
    def options(self):
        return ("-c", self.config, "--set", f"recommend.output={json.dumps(self.output)}", "--as-of", EARLY)

    @property
    def context(self):
        overrides = (f"recommend.output={json.dumps(self.output)}", f"events.as_of={EARLY}")
        return StageContext(load_config(self.config, overrides, environment={}), config_file=self.config)

    @property
    def target(self):
        return target_of(self.context.config.recommend.output)

    def publish(self, *more):
        done("recommend", *self.options, *more)

    def publish_twice(self):
        """Publish two versions that differ."""
        self.publish("--set", "recommend.exclude_seen=false")
        self.publish()

    def versions(self):
        return [
            one["version"] for one in done("versions", *self.options[:4])["versions"] if one["of"] == "lists"
        ]

    def evaluate(self, named):
        # The instant of the lists is after --as-of of this command, so it is left out.
        events = self.config.parent / "events.csv"
        return done("evaluate", *self.options[:4], "--published", named, "--events", events)

    def read(self, spool):
        return newest_lists(self.target, spool)

    def content(self, spool):
        content = report_content(artifacts_of(self.context, spool), "shop")
        return replace(content, made="", artifacts=None)


def in_file(config, folder):
    return Shop(config, {"path": str(folder / "lists.parquet")}, str(folder / "lists.parquet"))


def shop_of(kind, request, trained, folder):
    system, _, layout = kind.partition(" ")
    output = {"layout": "lists"} if layout == "lists" else {}
    if system == "delta":
        by = {"partition_by": ["source"]} if layout == "parts" else {}
        return Shop(
            trained, {"path": str(folder / "recs"), "format": "delta", **output, **by}, str(folder / "recs")
        )
    if system == "postgres":
        uri, table = request.getfixturevalue("postgres").uri(), f"{request.getfixturevalue('schema')}.recs"
    else:
        uri, table = f"{system}:{folder / 'shop.db'}", "recs"
    database = {"uri": uri, "table": table}
    if kind == "any driver":
        driver = {"driver": adbc_driver_duckdb.driver_path(), "entrypoint": "duckdb_adbc_init"}
        database, output = {"uri": str(folder / "shop.db"), "table": table, **driver}, {}
    return Shop(trained, {"database": database, **output}, table)

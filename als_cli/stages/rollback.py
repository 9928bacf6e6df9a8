"""`als rollback`: publish an earlier version of the lists or of an artifact again."""

from datetime import datetime

from als_cli.errors import ConfigError
from als_cli.reports import Report
from als_cli.stages.context import StageContext
from als_cli.stages.versions import LISTS, places_of
from als_cli.storage.output_checks import check_lists_output
from als_cli.storage.versions import earlier_version, version_named


class RollbackReport(Report):
    """What `rollback` did."""

    of: str
    version: str
    """The version that is published now."""
    left: str | None
    """The version that was published before."""
    created: datetime
    """Time when the published version was made."""


def rollback(context: StageContext, *, version: str | None, of: str) -> RollbackReport:
    """Publish `version` again, or the version of `of` before the published one. Return the two versions.

    Raises
    ------
    ArtifactError
        There is no earlier version, or its files differ from its manifest.
    ConfigError
        There is no such version, or no versions of `of` are kept.
    """
    places = places_of(context)
    if of not in places:
        raise ConfigError(f"there are no versions of {of}", hint=f"choose one of {', '.join(places)}")
    wanted = earlier_version(places[of]) if version is None else version_named(list(places.values()), version)
    if wanted.place == places.get(LISTS):
        check_lists_output(context.config, context.config_file)
    left = next((stored.id for stored in wanted.place.stored() if stored.is_current), None)
    wanted.place.publish_again(wanted)
    return RollbackReport(
        of=next(name for name, place in places.items() if place == wanted.place),
        version=wanted.id,
        left=left,
        created=wanted.manifest.created,
    )

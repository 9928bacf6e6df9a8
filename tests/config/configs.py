"""Comparison of configs."""


def used_values(config):
    """Return all values. With a database, the default path of lists has no effect, and follows the folder of the file."""
    values = config.model_dump()
    if config.recommend.output.database is not None:
        del values["recommend"]["output"]["path"]
    return values

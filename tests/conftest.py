"""Settings for all tests."""

from hypothesis import settings

# The duration of an example depends on the machine, so Hypothesis sets no deadline.
settings.register_profile("als", deadline=None)
settings.load_profile("als")

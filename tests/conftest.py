"""Settings of all tests."""

from hypothesis import settings

# How long an example takes says more about the machine than about the code: no test asserts a time.
settings.register_profile("als", deadline=None)
settings.load_profile("als")

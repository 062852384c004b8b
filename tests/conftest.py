"""How the suite runs: generated examples are the same everywhere, and no timing is asserted."""

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, database=None, max_examples=50)
settings.load_profile("repeatable")

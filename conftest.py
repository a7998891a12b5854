"""Tests and notebooks run in the book's own environment, not in the reader's."""

from lcs.exhibits.environment import own_environment


def pytest_configure(config):
    """Enter it before anything is imported that reads settings."""
    own = own_environment()
    own.__enter__()
    config.add_cleanup(lambda: own.__exit__(None, None, None))

"""Figures are closed after each test: matplotlib warns of more than twenty."""

import sys

import pytest


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")

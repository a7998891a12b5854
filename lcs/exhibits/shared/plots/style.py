"""The house style, for pages that are not on `lcs.analysis` yet."""

from lcs.analysis.style import *  # noqa: F403

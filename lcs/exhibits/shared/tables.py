"""Tables of pages that are not on `lcs.analysis` yet."""

from lcs.analysis.tables import *  # noqa: F403

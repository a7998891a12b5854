"""Texts of pages that stand in Markdown files beside the modules: their sections."""

from __future__ import annotations

import re


def by_heading(mark: str, text: str) -> dict[str, str]:
    """Return the sections of a text by their headings, which begin with this mark: `"## "`."""
    _, *parts = re.split(f"^{mark}(.*)$", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))

"""How an exhibit declares its studies: a list, and a decorator for the function of each."""

import inspect
from collections.abc import Callable
from typing import Any

from lcs.config import Config
from lcs.study import Setting, Study

# from what the runs of a study share, and its β if it has any, to its runs
Make = Callable[..., list[Config]]


class Studies(list[Study]):
    """Studies in the order in which `add` declares them."""

    def add(
        self,
        setting: Setting,
        *,
        kind: Callable[..., Study] = Study,
        scales: tuple[str, ...] = ("smoke", "desk"),
        **fields: Any,
    ) -> Callable[[Make], Make]:
        """Return a decorator for the function that lists the runs of a study.

        The study has the function's name, with hyphens, and the first line of its docstring for a
        title. One that makes sense at the paper's size too has `scales=SCALES`.
        """

        def declare(make: Make) -> Make:
            name = make.__name__.replace("_", "-")
            title = (inspect.getdoc(make) or name).splitlines()[0].removesuffix(".")
            self.append(kind(name, title, setting, make, scales=scales, **fields))
            return make

        return declare

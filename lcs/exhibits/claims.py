"""The page Claims: claims of the paper, the reproduction, the forum and this book, judged.

Each exhibit declares its own `CLAIMS`, by their texts; here they are gathered.
"""

from dataclasses import replace
from typing import NamedTuple

from lcs.analysis import claims as verdicts
from lcs.analysis import paper, tables
from lcs.analysis.claims import Claim, Evidence
from lcs.exhibits import EXHIBITS, by_chapter, exhibit
from lcs.runs import RunStore

# claims of the paper that no exhibit looks at yet
NOT_STUDIED = {
    **{
        f"On SVHN, β = 50 is better than {name}": Claim(
            "P",
            value=" against ".join(
                f"{paper.accuracy(of, 'svhn'):.2f}" for of in ("β-LASSO", other)
            ),
        )
        for name, other in (("SGD", "SGD"), ("β = 0", "plain ℓ1"))
    },
    "Shallow networks catch up with deep ones when trained longer": Claim("P", value="Table 1"),
    "On ResNet18, β-LASSO is better than SGD at every kernel size": Claim("P", value="Figure 5"),
}


def claims() -> list[tuple[str, Claim]]:
    """Return every claim with its chapter, if any, by who makes it, in the order of `EXHIBITS`."""
    declared = {name: exhibit(name).CLAIMS for name in EXHIBITS} | {"": NOT_STUDIED}
    every = [
        (name, replace(claim, text=text))
        for name, own in declared.items()
        for text, claim in own.items()
    ]
    return sorted(every, key=lambda one: [*verdicts.SOURCES].index(one[1].source))


class Judged(NamedTuple):
    """A claim with what came out in each setting, and the chapter that declares it."""

    claim: Claim
    evidence: list[Evidence]
    chapter: str

    @property
    def state(self) -> str:
        """Mark of a claim that nothing has been run for."""
        return tables.pending("pending" if self.claim.judge else "not studied yet")


def judge_all(store: RunStore) -> list[Judged]:
    """Judge every claim in every setting; all count in the correction."""
    chapters = {study.name: name for name, study in by_chapter()}
    every = [Judged(claim, [], chapter) for chapter, claim in claims()]
    asked = [(row, one) for row in every for one in row.claim.by_setting()]
    by_scale = [
        verdicts.judged([one for _, one in asked], store, scale) for scale in verdicts.JUDGED_AT
    ]
    for (row, one), *found in zip(asked, *by_scale, strict=True):
        own = one.study == row.claim.study
        place = row.chapter if own else chapters[one.studies[0].name]
        row.evidence.extend(replace(each, chapter=place) for each in found if each)
    return every

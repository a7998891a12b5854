"""The page Claims: every claim of the paper, the reproduction and the forum beside our runs."""

from __future__ import annotations

from lcs.exhibits import EXHIBITS, exhibit, tables
from lcs.exhibits.tables import Table
from lcs.exhibits.verdicts import MARKS, SCALES, Claim, judged
from lcs.runs import RunStore

# claims of the paper that no exhibit looks at yet
NOT_STUDIED: tuple[Claim, ...] = (
    Claim("P", "Shallow networks catch up with deep ones when trained longer", value="Table 1"),
    Claim("P", "Without weight sharing, depth does not help", value="Table 1"),
    Claim("P", "On ResNet18, β-LASSO is better than SGD at every kernel size", value="Figure 5"),
)


def claims() -> list[tuple[str, Claim]]:
    """Return every claim with its chapter, if any, by who makes it and in the order of the book."""
    every = [(name, claim) for name in EXHIBITS for claim in exhibit(name).CLAIMS]
    every += [("", claim) for claim in NOT_STUDIED]
    return sorted(every, key=lambda one: [*MARKS].index(one[1].source))


def table(store: RunStore, sources: str = "PRFB") -> Table:
    """Return the claims of some sources beside what came out here, a row for each setting."""
    chapters = {study.name: name for name in EXHIBITS for study in exhibit(name).STUDIES}
    every = [(chapter, claim.by_setting()) for chapter, claim in claims()]
    asked = [one for _, settings in every for one in settings]
    by_scale = [iter(judged(asked, store, scale)) for scale in SCALES]
    rows = []
    for chapter, settings in every:
        claim, ours = settings[0], []
        for one in settings:
            place = chapter if one.study == claim.study else chapters[one.study]
            where = f"[{place}]({place}.ipynb)" if place else tables.NONE
            for evidence in filter(None, [next(found) for found in by_scale]):
                said = evidence.finding.value, f"{evidence.n}", evidence.setting, evidence.verdict
                ours.append([*said, where])
        if not ours:
            state = tables.pending("pending" if claim.judge else "not studied yet")
            ours = [[tables.NONE, tables.NONE, tables.NONE, state, where]]
        if claim.source in sources:
            theirs = MARKS[claim.source](claim.value)
            rows += [[claim.text, theirs, *row] for row in ours]
    caption = (
        "Claims, their published values, and ours: differences are paired by seed, in points of "
        "test accuracy on CIFAR-10. The setting *reproduction* is α = 1, 400 epochs, binary "
        "cross-entropy, no augmentation and λ = 2e-5, unless the claim names another value; "
        "*recipe* is the paper's at the widths that two cores hold (a comparison takes the largest "
        "of its study), *paper* its own size. "
        "Verdicts with an interval over seeds are corrected for many comparisons. n is "
        "the number of runs of each condition, for the toy that of random problems in each cell, "
        "for a benchmark that of rounds, whose median is shown with its 95 % interval."
    )
    columns = ["claim", "published", "ours", "n", "setting", "verdict", "chapter"]
    text = ["published", "ours", "setting", "verdict", "chapter"]
    return Table("tab-claims", caption, columns, rows, text=text)

"""The page Claims: claims of the paper, the reproduction, the forum and this book, judged.

Each exhibit declares its own `CLAIMS`, by their texts; here they are gathered.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from lcs.exhibits import EXHIBITS, by_chapter, exhibit
from lcs.exhibits.shared import published, settings, tables, verdicts
from lcs.exhibits.shared.methods import B0, B50, SGD
from lcs.exhibits.shared.tables import Table
from lcs.exhibits.shared.verdicts import BENCHMARK, CONTRADICTED, HOLDS, Claim, Evidence, marked
from lcs.runs import RunStore

UNTESTED = "[·]{.untested} [not tested]{.visually-hidden}"
# settings that `matrix` leaves to `table`, for want of space
LEFT_OUT = (
    settings.FLIP_CROP_SHORT.name,
    settings.FLIP_CROP_LONG.name,
    settings.REPRODUCTION_CROSS_ENTROPY.name,
)

# claims of the paper that no exhibit looks at yet
NOT_STUDIED = {
    **{
        f"On SVHN, β = 50 is better than {other.shortest}": Claim(
            "P",
            value=" against ".join(f"{published.accuracy(of, 'svhn'):.2f}" for of in (B50, other)),
        )
        for other in (SGD, B0)
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


def matrix(every: Sequence[Judged]) -> Table:
    """Return the claims of the paper, a row for each, beside a column for each setting.

    Settings in which a single claim was tested have no column, nor have those of `LEFT_OUT`; a
    claim that was judged in no other has no row.
    """
    own = _columns(every)
    rows = []
    for one in (one for one in every if one.claim.source == "P"):
        cells: dict[str, str] = {}
        for each in one.evidence:
            said, _, why = each.verdict.partition(": ")
            mark = marked(said)
            if verdicts.CORRECTED in said:  # its brackets say it to those who see them
                hidden = " [not significant after correction]{.visually-hidden}"
                mark = mark.replace(verdicts.CORRECTED, "") + hidden
            value = why or each.finding.short or each.finding.value.removesuffix(" points")
            cell = f"{mark} [{value}]({each.chapter}.ipynb) [n = {each.n}]{{.sample}}"
            cells[each.label] = cell
        if cells.keys() & {*own}:
            shown = (cells.get(name, UNTESTED) for name in own)
            rows.append([one.claim.text, tables.published(one.claim.value), *shown])
    caption = (
        "What the paper claims, its values, and in each setting the verdict, our value with its "
        "95 % interval, and the number n of seeds. Differences are "
        "paired by seed, in points of test accuracy on CIFAR-10. ✓ holds, ✗ contradicted, "
        "~ undecided, – not testable, · not tested. In brackets: not significant after correction "
        f"for many comparisons, or in one run. Settings of a single claim, those called "
        f"{', '.join(f'*{name}*' for name in LEFT_OUT)}, and what was not judged in these settings "
        "are in the list at the end of the page."
    )
    columns = ["claim", "published", *own]
    return Table("tab-claims", caption, columns, rows, text=columns[1:], style="matrix")


def _columns(every: Sequence[Judged]) -> list[str]:
    """Return the settings in which the paper's claims are shown side by side.

    From small to large, a benchmark last.
    """
    names = (*(setting.name for setting in settings.SETTINGS), "paper", "toy", BENCHMARK)
    found = [each for one in every if one.claim.source == "P" for each in one.evidence]
    tested = Counter(each.label for each in found)
    shown = [each for each in found if tested[each.label] > 1 and each.setting not in LEFT_OUT]
    shown.sort(key=lambda each: (names.index(each.setting), each.width or 0, each.frozen))
    return list(dict.fromkeys(each.label for each in shown))


def counts(every: Sequence[Judged]) -> Table:
    """Return how many claims of the paper came out how, a row for each setting of `matrix`."""
    asked = [one for one in every if one.claim.source == "P" and one.claim.study != BENCHMARK]
    rows = []
    for setting in _columns(every):
        said = [e.verdict for one in asked for e in one.evidence if e.label == setting]
        signs = Counter((sign.kind, sign.weak) for sign in map(verdicts.sign, said))
        both = [
            f"{signs[kind, False]}" + (f" ({weak})" if (weak := signs[kind, True]) else "")
            for kind in (HOLDS, CONTRADICTED)
        ]
        undecided = said.count(verdicts.UNDECIDED)
        others = signs["undecided", False] - undecided
        rows.append([setting, f"{len(said)}", *both, f"{undecided}", f"{others}"])
    caption = (
        f"The paper's {len(asked)} claims about training: how many were judged in "
        "each setting, and what came out. In brackets: how many more, which are not "
        "significant after correction for many comparisons, rest on one run, or hold in part."
    )
    columns = ["setting", "judged", "hold", "contradicted", "undecided", "not testable"]
    return Table("tab-verdicts", caption, columns, rows)


def table(every: Sequence[Judged], sources: str = "PRFB") -> Table:
    """Return the claims of some sources beside what came out here, a row for each setting."""
    rows = []
    for one in (one for one in every if one.claim.source in sources):
        claim, evidence, chapter = one
        theirs = verdicts.SOURCES[claim.source][1](claim.value)
        for each in evidence:
            ours = [each.finding.value, f"{each.n}", each.link, marked(each.verdict)]
            rows.append([claim.text, theirs, *ours])
        if not evidence:
            where = f"[{chapter}]({chapter}.ipynb)" if chapter else tables.NONE
            rows.append([claim.text, theirs, tables.NONE, tables.NONE, where, one.state])
    whose = ", ".join(verdicts.SOURCES[source][0] for source in sources)
    caption = (
        f"Claims of {whose}: the published value, ours, the number n of seeds (of the toy: of "
        "random problems in each cell; of a benchmark: of rounds), the setting with a link to the "
        "chapter, and the verdict."
    )
    columns = ["claim", "published", "ours", "n", "setting", "verdict"]
    text = ["published", "ours", "setting", "verdict"]
    return Table(f"tab-claims-{sources.lower()}", caption, columns, rows, text=text)

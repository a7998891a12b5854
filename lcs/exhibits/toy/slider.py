"""A figure with a slider that works on a static page: the toy's ten weights along training.

One piece of HTML with its own style and script: it loads nothing, and takes its colours from the
text around it, so that it fits a light and a dark page. Without scripts its first state is shown.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from string import Template
from typing import TYPE_CHECKING, Any

from lcs.exhibits.toy.problems import TRUE

if TYPE_CHECKING:
    from IPython.display import HTML

# the drawing's own units; what is drawn in them is scaled to the width of the page
LEFT, RIGHT, TOP, BOTTOM = 340, 3800, 60, 2560


def weights(paths: Mapping[str, Any]) -> HTML:
    """Return ten weights along training, with a slider over β and a choice of two starts.

    Args:
        paths: `trajectories` of `lcs.exhibits.toy.lasso.run`.
    """
    from IPython.display import HTML

    runs = [run for run in paths["runs"] if run["optimizer"] == "beta-lasso"]
    height = math.ceil(max(abs(w) for run in runs for row in run["weights"] for w in row))
    states = [_state(run, paths, height) for run in runs]
    count = len(states) // 2
    shown = count // 2
    across = _across(paths["steps"])
    first = states[shown]
    lines = []
    for index, row in enumerate(first["rows"]):
        points = " ".join(f"{x},{y}" for x, y in zip(across, row, strict=True))
        kind = "true" if index == TRUE else "dummy"
        lines.append(f'<polyline class="{kind}" points="{points}"/>')
    levels = [
        f'<path class="lasso" d="M{LEFT} {_down(value, height)}H{RIGHT}"/>'
        for value in sorted({0.0, *paths["lasso"]})
    ]
    return HTML(
        _PAGE.substitute(
            states=json.dumps(states, separators=(",", ":"), ensure_ascii=False),
            across=json.dumps(across, separators=(",", ":")),
            count=count,
            last=count - 1,
            shown=shown,
            beta=first["beta"],
            text=first["text"],
            band=f'y="{first["top"]}" height="{first["bottom"] - first["top"]}"',
            lines="".join(lines),
            ticks=_ticks(paths["steps"][-1], height),
            lasso="".join(levels),
            frame=f"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}",
        )
    )


def _state(run: Mapping[str, Any], paths: Mapping[str, Any], height: int) -> dict[str, Any]:
    """Return what the script draws for one run: the rows' heights, the band, and a sentence."""
    threshold = run["beta"] * paths["l1"]
    visible = min(threshold, height)
    end = run["weights"][-1]
    left = sum(weight != 0 for weight in end)
    counted = "no weight is" if left == 0 else "1 weight is" if left == 1 else f"{left} weights are"
    true = f"at {end[TRUE]:.2f}" if end[TRUE] else "lost"
    return {
        "beta": f"{run['beta']:g}",
        "rows": [[_down(w, height) for w in row] for row in zip(*run["weights"], strict=True)],
        "top": _down(visible, height),
        "bottom": _down(-visible, height),
        "text": (
            f"Threshold βλ = {threshold:g}. At the end {counted} left; "
            f"the true feature is {true} (LASSO: {paths['lasso'][TRUE]:.2f})."
        ),
    }


def _across(steps: Sequence[int]) -> list[int]:
    """Place updates on a logarithmic axis that has room for the start."""
    longest = math.log1p(steps[-1])
    return [round(LEFT + (RIGHT - LEFT) * math.log1p(step) / longest) for step in steps]


def _down(weight: float, height: int) -> int:
    return round((TOP + BOTTOM) / 2 - (BOTTOM - TOP) / 2 * weight / height)


def _ticks(last: int, height: int) -> str:
    steps = [0, *(10**power for power in range(len(str(last))))]
    below = [
        f'<text x="{x}" y="{BOTTOM + 180}" text-anchor="middle">{step}</text>'
        for step, x in zip(steps, _across([*steps, last]), strict=False)
    ]
    left = [
        f'<text x="{LEFT - 50}" y="{_down(value, height) + 40}" text-anchor="end">{shown}</text>'
        for value, shown in ((-height, f"−{height}"), (0, "0"), (height, f"{height}"))
    ]
    return "".join([*below, *left])


_PAGE = Template("""\
<div id="toy-weights">
<style>
#toy-weights { max-width: 42rem; margin: 0 auto; text-align: left; color: inherit; }
#toy-weights svg { display: block; width: 100%; height: auto; overflow: visible; }
#toy-weights text { font-size: 90px; fill: currentColor; }
#toy-weights polyline, #toy-weights path { fill: none; vector-effect: non-scaling-stroke; }
#toy-weights .frame { stroke: currentColor; }
#toy-weights .dummy { stroke: currentColor; stroke-width: 1.2px; opacity: 0.6; }
#toy-weights .true { stroke: #de8f05; stroke-width: 3px; }
#toy-weights .lasso { stroke: currentColor; stroke-dasharray: 2 4; }
#toy-weights .band { fill: currentColor; opacity: 0.13; }
#toy-weights .controls { display: flex; flex-wrap: wrap; gap: 0.3rem 1.2rem; align-items: center; }
#toy-weights .controls > label { white-space: nowrap; }
#toy-weights .slide { display: flex; flex: 1 1 16rem; gap: 0.6rem; align-items: center; }
#toy-weights input[type="range"] { flex: 1; min-width: 6rem; accent-color: #de8f05; }
#toy-weights output { min-width: 4.2rem; font-weight: bold; white-space: nowrap; }
#toy-weights .key { display: flex; flex-wrap: wrap; gap: 0 1.2rem; font-size: 0.85em; }
#toy-weights .key svg { display: inline; width: 2em; height: 0.7em; margin-right: 0.4em; }
#toy-weights p { margin: 0.3rem 0 0; min-height: 3em; }
html[data-theme="dark"] .bd-content div.cell_output .text_html:has(#toy-weights) {
  padding: 0; background: none; color: inherit;
}
@media (width < 576px) { #toy-weights text { font-size: 165px; } }
</style>
<div class="controls">
<label class="slide"><output>β = $beta</output>
<input type="range" min="0" max="$last" step="1" value="$shown" aria-label="threshold β"
 aria-valuetext="β = $beta"></label>
<label><input type="checkbox"> flip all signs of the start</label>
</div>
<svg viewBox="0 0 4000 2990" role="img" aria-label="Ten weights along training">
<rect class="band" x="340" width="3460" $band/>
$lasso<path class="frame" d="$frame"/>
<g class="lines">$lines</g>
$ticks<text x="2070" y="2930" text-anchor="middle">update (log scale)</text>
<text transform="translate(110 1310) rotate(-90)" text-anchor="middle">weight</text>
</svg>
<div class="key">
<span><svg viewBox="0 0 20 7"><path class="true" d="M0 4H20"/></svg>true feature</span>
<span><svg viewBox="0 0 20 7"><path class="dummy" d="M0 4H20"/></svg>nine dummies</span>
<span><svg viewBox="0 0 20 7"><path class="lasso" d="M0 4H20"/></svg>LASSO</span>
<span><svg viewBox="0 0 20 7"><rect class="band" width="20" height="7"/></svg>no weight
can stay here</span>
</div>
<p aria-live="polite">$text</p>
<script>
(() => {
  const across = $across, states = $states;
  const figure = document.getElementById("toy-weights");
  const [slider, flipped] = figure.querySelectorAll("input");
  const draw = () => {
    const state = states[+slider.value + (flipped.checked ? $count : 0)];
    figure.querySelectorAll(".lines polyline").forEach((line, i) =>
      line.setAttribute("points", state.rows[i].map((y, t) => across[t] + "," + y).join(" ")));
    const band = figure.querySelector("rect.band");
    band.setAttribute("y", state.top);
    band.setAttribute("height", state.bottom - state.top);
    figure.querySelector("output").textContent = "β = " + state.beta;
    slider.setAttribute("aria-valuetext", "β = " + state.beta);
    figure.querySelector("p").textContent = state.text;
  };
  slider.addEventListener("input", draw);
  flipped.addEventListener("change", draw);
})();
</script>
</div>
""")

// Draws the interactive figures of a page in the place of their still pictures.
(() => {
  const here = document.currentScript.src;
  const draw = (chart) => {
    const spec = JSON.parse(chart.querySelector("script").textContent);
    const place = document.createElement("div");
    chart.append(place);
    vegaEmbed(place, spec, { actions: false, renderer: "svg" })
      .then(() => chart.querySelector("img").remove())
      .catch((error) => { place.remove(); console.error(error); });
  };
  addEventListener("DOMContentLoaded", () => {
    const charts = document.querySelectorAll(".chart");
    if (!charts.length) return;
    const library = document.createElement("script");
    library.src = new URL("vega.js", here);
    library.onload = () => charts.forEach(draw);
    document.head.append(library);
  });
})();

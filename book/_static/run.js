// Draws the curves of a run: accuracy, and the remaining weights of each layer.
(() => {
  const { epochs, ...panels } = JSON.parse(document.getElementById("history").textContent);
  const panel = ([title, lines]) => ({
    data: { values: Object.entries(lines).flatMap(([name, values]) =>
      values.map((value, i) => ({ epoch: epochs[i], value, name })).filter((point) => point.value > 0)) },
    mark: { type: "line", strokeWidth: 1.8 },
    width: 380, height: 220,
    encoding: {
      x: { field: "epoch", type: "quantitative" },
      y: { field: "value", type: "quantitative", title,
        scale: { type: title.startsWith("remaining") ? "log" : "linear" } },
      color: { field: "name", type: "nominal", sort: null, title: null, legend: { orient: "top" } },
    },
  });
  const spec = { concat: Object.entries(panels).map(panel), columns: 2,
    resolve: { scale: { color: "independent" } },
    config: { background: "white", view: { stroke: null }, axis: { grid: false } } };
  vegaEmbed("#curves", spec, { actions: false, renderer: "svg" }).catch(console.error);
})();

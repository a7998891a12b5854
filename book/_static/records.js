// The table of runs: a field that filters its rows, and headings that sort them. Without this
// script the whole table is there, in the order of the book.
(() => {
  const table = document.querySelector("table.runs");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const headings = [...table.tHead.rows[0].cells];
  // "β = 50" and "β=50" are the same; a number is found by its column too: "α=8"
  const squeeze = (text) => text.toLowerCase().replace(/\s*=\s*/g, "=");
  const names = headings.map((heading) => heading.textContent);
  const texts = rows.map((row) =>
    squeeze(row.id + [...row.cells].map((cell, i) => ` ${names[i]}=${cell.textContent}`).join("")));

  const label = document.createElement("label");
  label.className = "run-filter";
  label.innerHTML = 'Filter <input type="search" placeholder="AutoAugment α=8 β-LASSO seed=0"> <output></output>';
  table.parentElement.before(label);
  const [input, count] = [label.querySelector("input"), label.querySelector("output")];
  const filter = () => {
    const words = squeeze(input.value).split(/\s+/);
    rows.forEach((row, i) => { row.hidden = !words.every((word) => texts[i].includes(word)); });
    count.textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} runs`;
  };
  input.addEventListener("input", filter);
  filter();

  const value = (row, column) => row.cells[column].dataset.value ?? row.cells[column].textContent;
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.ariaSort === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.ariaSort = down ? "descending" : "ascending";
      const compare = (a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        return isNaN(x) || isNaN(y) ? x.localeCompare(y, "en", { numeric: true }) : x - y;
      };
      body.append(...[...rows].sort((a, b) => (down ? compare(b, a) : compare(a, b))));
    });
  });
})();

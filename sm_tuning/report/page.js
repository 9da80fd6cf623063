"use strict";
const table = document.getElementById("jobs");
const body = table.tBodies[0];
const heads = [...table.tHead.rows[0].cells];
const rows = [...body.rows];
const number = (text) => (text.trim() === "" ? NaN : Number(text));
heads.forEach((head, column) => {
  head.firstElementChild.addEventListener("click", () => {
    const down = head.getAttribute("aria-sort") === "ascending";
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const told = rows.map((row) => [row.cells[column].textContent, row]);
    const numeric = told.some(([text]) => !Number.isNaN(number(text)));
    told.sort(([one], [other]) => {
      if (one.trim() === "" || other.trim() === "") return (one.trim() === "") - (other.trim() === "");
      const order = numeric ? number(one) - number(other) || one.localeCompare(other) : one.localeCompare(other);
      return down ? -order : order;
    });
    body.append(...told.map(([, row]) => row));
  });
});
const shown = document.getElementById("shown");
const filter = document.getElementById("filter");
const apply = () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    count += !row.hidden;
  }
  shown.textContent = `${count} of ${rows.length}`;
};
filter.addEventListener("input", apply);
apply();

// Lists with ticked rows: [data-bulk] form, [data-bulk-all] ticks the page, [data-bulk-bar] shows while anything is ticked.
(() => {
  const boxes = (form) => [...form.querySelectorAll("tbody input[type=checkbox]")];
  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-bulk]");
    if (!form) return;
    if (event.target.matches("[data-bulk-all]")) boxes(form).forEach((box) => (box.checked = event.target.checked));
    const ticked = boxes(form).filter((box) => box.checked).length;
    const all = form.querySelector("[data-bulk-all]");
    if (all) {
      all.checked = ticked > 0 && ticked === boxes(form).length;
      all.indeterminate = ticked > 0 && !all.checked;
    }
    const bar = form.querySelector("[data-bulk-bar]");
    if (bar) {
      bar.hidden = ticked === 0;
      bar.querySelector("[data-bulk-n]").textContent = ticked;
    }
  });
})();

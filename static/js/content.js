// The content editor: chips put a merge field where the cursor is; the preview follows what is typed.
(() => {
  const form = document.querySelector("[data-content-editor]");
  if (!form) return;
  form.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-insert]");
    if (!chip) return;
    const area = chip.closest("[data-variant]").querySelector("textarea");
    area.setRangeText(chip.dataset.insert, area.selectionStart, area.selectionEnd, "end");
    area.focus();
    area.dispatchEvent(new Event("input", { bubbles: true }));
  });
  let timer = 0;
  form.addEventListener("input", (event) => {
    if (!event.target.closest("[data-variant]")) return;
    clearTimeout(timer);
    const card = event.target.closest("section");
    timer = setTimeout(() => card.querySelector("[hx-post]")?.click(), 600);
  });
})();

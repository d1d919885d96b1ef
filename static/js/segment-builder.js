// The segment builder. The server draws the tree; this file sends a pressed builder button to it, keeps the focus where the
// person works, marks what is not saved and saves by Ctrl S. Without it the same buttons post the page.
(() => {
  const form = document.querySelector("form[data-builder]");
  if (!form) return;
  const mark = document.querySelector("[data-unsaved]");
  let dirty = mark && !mark.hidden;
  const change = () => {
    dirty = true;
    if (mark) mark.hidden = false;
  };

  // A changed field asks for the tree again, but not while a menu stands open: the new tree would close it under the hand
  // (leaving a field by pressing "+ Condition" changes the field first).
  let pending = 0;
  const build = () => {
    clearTimeout(pending);
    pending = setTimeout(() => (form.querySelector(".dropdown-menu.show") ? build() : htmx.trigger(form, "build")), 180);
  };
  form.addEventListener("change", (event) => {
    if (event.target.closest("#tree")) build();
  });
  if (document.querySelector("#live[data-counting]")) addEventListener("load", () => htmx.trigger(form, "build"));

  // Plain saving goes past htmx: "build" is its only trigger.
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=do]");
    if (!button) return;
    event.preventDefault();
    clearTimeout(pending);
    change();
    htmx.ajax("POST", form.getAttribute("hx-post"), {
      source: form,
      target: "#tree",
      swap: "outerHTML",
      values: { do: button.value },
    });
  });
  form.addEventListener("input", change);
  form.addEventListener("submit", () => (dirty = false));

  // Enter in a field of the tree shows the effect at once instead of saving a half-made rule.
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("#tree input")) {
      event.preventDefault();
      event.target.dispatchEvent(new Event("change", { bubbles: true }));
    }
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "tree" && event.detail.target?.id !== "tree") return;
    const row = document.getElementById(document.getElementById("tree")?.dataset.focus || "");
    if (row) (row.querySelector("select, input:not([type=hidden])") || row.querySelector("button"))?.focus();
  });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s") {
      event.preventDefault();
      form.requestSubmit(document.querySelector("[data-save]"));
    }
  });
  addEventListener("beforeunload", (event) => {
    if (dirty) event.preventDefault();
  });
})();

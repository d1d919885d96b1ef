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

  // The page comes before its figures; they follow by a quiet request that the first step of building gives up.
  const counting = new AbortController();
  const count = async () => {
    const answer = await fetch(form.getAttribute("hx-post"), {
      method: "POST",
      body: new FormData(form),
      headers: { "HX-Request": "true" },
      signal: counting.signal,
    });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ["tree", "live", "sample"]) {
      const old = document.getElementById(id);
      const part = fresh.getElementById(id);
      if (counting.signal.aborted || !old || !part || old.contains(document.activeElement)) continue;
      old.replaceWith(part);
      htmx.process(part);
    }
  };
  if (document.querySelector("#live[data-counting]")) addEventListener("load", () => count().catch(() => {}));

  // A changed field asks for the tree again, but not while a menu stands open: the new tree would close it under the hand
  // (leaving a field by pressing "+ Condition" changes the field first).
  let pending = 0;
  const build = () => {
    counting.abort();
    clearTimeout(pending);
    pending = setTimeout(() => (form.querySelector(".dropdown-menu.show") ? build() : htmx.trigger(form, "build")), 180);
  };
  form.addEventListener("change", (event) => {
    if (event.target.closest("#tree")) build();
  });

  // Plain saving goes past htmx: "build" is its only trigger.
  form.addEventListener("click", (event) => {
    const button = event.target.closest("button[name=do]");
    if (!button) return;
    event.preventDefault();
    counting.abort();
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

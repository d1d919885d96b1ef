// The shell: theme switch, folded menu, search box, and the small behaviours that parts ask for by attribute.
(() => {
  const root = document.documentElement;
  const token = () => JSON.parse(document.body.getAttribute("hx-headers") || "{}")["X-CSRFToken"] || "";

  window.post = (url, values = {}) =>
    fetch(url, { method: "POST", headers: { "X-CSRFToken": token() }, body: new URLSearchParams(values) });

  // Theme: at once on this page, remembered by the server.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-toggle]");
    if (!button) return;
    const value = root.dataset.bsTheme === "dark" ? "light" : "dark";
    root.dataset.theme = root.dataset.bsTheme = value;
    document.dispatchEvent(new CustomEvent("theme"));
    window.post(button.dataset.themeToggle, { theme: value });
  });

  // Search: Ctrl-K or the button; arrows move, Enter opens.
  const find = document.getElementById("find");
  if (find) {
    const input = find.querySelector("input");
    const open = () => {
      if (!find.open) find.showModal();
      input.select();
    };
    document.addEventListener("keydown", (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        open();
      }
    });
    document.querySelectorAll("[data-find]").forEach((button) => button.addEventListener("click", open));
    find.addEventListener("keydown", (event) => {
      const links = [...find.querySelectorAll("a[href]")];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      const at = links.findIndex((link) => link === document.activeElement || link.classList.contains("on"));
      if (step && links.length) {
        event.preventDefault();
        links.forEach((link) => link.classList.remove("on"));
        const next = links[(at + step + links.length) % links.length];
        next.classList.add("on");
        next.scrollIntoView({ block: "nearest" });
      } else if (event.key === "Enter" && document.activeElement === input) {
        event.preventDefault();
        (links[at] || links[0])?.click();
      }
    });
  }

  // htmx adds the button that has the focus to whatever its form sends. A form that sends itself after a change would so press
  // the button that Tab has just come to; only a submitted form has a pressed one.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.elt.tagName !== "FORM" || !detail.triggeringEvent || detail.triggeringEvent.type === "submit") return;
    const form = new FormData(detail.elt);
    for (const { name } of detail.elt.querySelectorAll("button[name]")) if (!form.has(name)) delete detail.parameters[name];
  });

  // Panes of one page on a phone: [data-panes] shows the pane named by the pressed [data-pane].
  document.addEventListener("click", (event) => {
    const pane = event.target.closest("[data-pane]");
    if (!pane) return;
    pane.closest("[data-panes]")?.setAttribute("data-panes", pane.dataset.pane);
    if (pane.matches(".nav-link")) {
      pane.parentElement.querySelectorAll(".nav-link").forEach((b) => b.classList.toggle("active", b === pane));
    }
    event.preventDefault();
  });

  // [data-copy="text"] copies; [data-submit] sends its form when it changes.
  document.addEventListener("click", async (event) => {
    const copy = event.target.closest("[data-copy]");
    if (!copy) return;
    await navigator.clipboard.writeText(copy.dataset.copy);
    window.toast({ text: copy.dataset.copied || copy.dataset.copy, level: "ok" });
  });
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-submit]")) event.target.form?.requestSubmit();
  });

  // What scrolls sideways and holds nothing to focus takes the focus itself, so that the arrow keys can move it (Safari).
  const scrollers = ".table-responsive, .reach, .jb-stat";
  const reach = (part) => {
    for (const box of [part.closest?.(scrollers), ...(part.querySelectorAll?.(scrollers) || [])]) {
      if (box && box.scrollWidth > box.clientWidth && !box.querySelector("a[href], button, input, select")) box.tabIndex = 0;
    }
  };
  addEventListener("load", () => reach(document));
  document.addEventListener("htmx:afterSettle", (event) => reach(event.target));

  // A button of a plain form must not send twice.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("hx-post")) return;
    const button = event.submitter;
    if (button) setTimeout(() => (button.disabled = true));
  });
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[method=post] button:disabled:not([data-off])").forEach((b) => (b.disabled = false));
  });
})();

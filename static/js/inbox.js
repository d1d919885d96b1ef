// The inbox: keys, drafts that survive reload and conflict, a thread that keeps its place, and the version check of the reply box.
(() => {
  const desk = document.querySelector("[data-inbox]");
  if (!desk) return;
  const byId = (id) => document.getElementById(id);
  const composer = () => byId("composer");
  const form = (mode) => byId(`${mode}-form`);
  const area = (mode) => form(mode)?.querySelector("textarea");

  // Drafts: one per conversation, reader and kind, in this browser.
  const key = (mode) => `draft:${desk.dataset.reader}:${composer().dataset.conversation}:${mode}`;
  const keep = (mode, text) => {
    try {
      if (text) localStorage.setItem(key(mode), text);
      else localStorage.removeItem(key(mode));
    } catch {
      // private windows have no storage: the draft lives as long as the page
    }
  };
  const kept = (mode) => {
    try {
      return localStorage.getItem(key(mode)) || "";
    } catch {
      return "";
    }
  };
  const grow = (box) => {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 220)}px`;
  };
  const restore = () => {
    if (!composer()) return;
    for (const mode of ["reply", "note"]) {
      const box = area(mode);
      if (!box) continue;
      if (!box.value) box.value = kept(mode);
      else keep(mode, box.value);
      grow(box);
    }
    if (area("reply")?.value) form("reply").elements.canned.value = kept("canned");
    show(composer().dataset.mode);
  };

  const show = (mode) => {
    composer().dataset.mode = mode;
    composer().querySelectorAll("[data-of]").forEach((part) => (part.hidden = part.dataset.of !== mode));
    composer().querySelectorAll("[data-mode-to]").forEach((tab) => {
      tab.setAttribute("aria-selected", tab.dataset.modeTo === mode);
    });
  };
  const write = (mode) => {
    if (!composer()) return;
    desk.setAttribute("data-panes", "thread");
    show(mode);
    area(mode)?.focus();
  };

  document.addEventListener("input", (event) => {
    const box = event.target;
    if (!box.matches?.("#composer textarea")) return;
    keep(box.closest("[data-of]").dataset.of, box.value);
    keep("canned", form("reply").elements.canned.value);
    grow(box);
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches?.("#composer select[name=way]")) return;
    const subject = composer().querySelector("[name=subject]");
    if (subject) subject.hidden = event.target.value !== "email";
  });
  document.addEventListener("click", (event) => {
    const tab = event.target.closest("[data-mode-to]");
    if (tab) write(tab.dataset.modeTo);
    const again = event.target.closest("[data-again]");
    if (again && area("reply")) {
      area("reply").value = again.dataset.again;
      keep("reply", again.dataset.again);
      write("reply");
    }
  });

  // The thread keeps its place: at the end it follows, elsewhere it stays.
  const thread = byId("msgs");
  const toEnd = () => thread && (thread.scrollTop = thread.scrollHeight);
  let followed = true;
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target === thread) followed = thread.scrollHeight - thread.scrollTop - thread.clientHeight < 80;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === thread && followed) toEnd();
  });

  // What the writer has seen. The box follows the conversation by itself, unless a colleague has answered while something is
  // being written: then it says so and keeps the old version, and the server asks for a second "send".
  const follow = () => {
    const turn = byId("turn");
    const box = composer();
    if (!turn || !box) return;
    const reply = form("reply");
    const answered = turn.dataset.other !== box.dataset.other;
    const writing = !!area("reply")?.value.trim();
    if (answered && writing) byId("meanwhile").hidden = false;
    else {
      reply.elements.version.value = turn.dataset.version;
      box.dataset.other = turn.dataset.other;
    }
    if (turn.dataset.ways !== box.dataset.ways && !box.dataset.drawing) {
      box.dataset.drawing = "1";
      const way = reply.elements.way?.value || "";
      htmx.ajax("GET", `${box.dataset.address}&way=${encodeURIComponent(way)}`, { target: "#composer", swap: "outerHTML" });
    }
  };
  document.addEventListener("htmx:oobAfterSwap", follow);

  let sent = "";
  document.addEventListener("htmx:beforeRequest", (event) => {
    const of = event.target.dataset?.of;
    if (event.target.closest?.("#composer") && of) sent = of;
  });
  document.addEventListener("replied", () => {
    keep(sent, "");
    if (sent === "reply") keep("canned", "");
    followed = true;
    htmx.trigger("#pulse", "refresh");
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.elt?.id !== "composer" && event.detail.target?.id !== "composer") return;
    restore();
    if (!sent) return;
    show(composer().querySelector("#reply-error") ? composer().dataset.mode : sent);
    area(composer().dataset.mode)?.focus();
    sent = "";
  });

  // Keys.
  const rows = () => [...desk.querySelectorAll(".conv a")];
  const step = (by) => {
    const at = rows().findIndex((row) => row.parentElement.classList.contains("on"));
    const next = rows()[at < 0 ? (by > 0 ? 0 : -1) : at + by];
    next?.click();
  };
  const KEYS = {
    j: () => step(1),
    k: () => step(-1),
    r: () => write("reply"),
    n: () => write("note"),
    e: () => byId("ib-head")?.querySelector("[data-key=e]")?.click(),
  };
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (event.key === "Escape" && field?.matches("#composer textarea") && !event.defaultPrevented) field.blur();
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229 && !event.defaultPrevented) {
      if (field?.matches("#reply-form textarea, #note-form textarea")) {
        event.preventDefault();
        field.form.requestSubmit();
      }
    }
    if (field || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.key === "/" && composer()) {
      event.preventDefault();
      write("reply");
      document.dispatchEvent(new CustomEvent("canned"));
      return;
    }
    const act = KEYS[event.key.toLowerCase()];
    if (!act || event.shiftKey) return;
    event.preventDefault();
    act();
  });

  restore();
  toEnd();
  desk.querySelector(".conv.on")?.scrollIntoView({ block: "nearest" });
})();

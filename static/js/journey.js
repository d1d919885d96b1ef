// The journey builder: keyboard, insert menu, drag and drop, zoom, the line that leads back from a branch. All changes are
// POSTs whose answer draws the canvas again.
(() => {
  const jb = document.getElementById("jb");
  const canvas = document.getElementById("canvas");
  const kinds = document.getElementById("kinds");
  if (!jb || !canvas) return;

  const value = (id) => document.getElementById(id)?.value ?? "";
  const post = (url, values = {}) =>
    htmx.ajax("POST", url, { target: "#canvas", swap: "innerHTML", values: { revision: value("revision"), ...values } });
  const url = (key, act) => jb.dataset.step.replace(/0\/$/, `${key}/${act ? `${act}/` : ""}`);
  const cards = () => [...canvas.querySelectorAll("[data-step]")];
  const current = () => document.activeElement?.closest?.("#canvas [data-step]");

  // Insert: the + buttons open the menu of kinds; A does the same behind the focused card.
  let place = "";
  const openKinds = (button) => {
    if (!kinds || !button) return;
    place = button.dataset.place;
    kinds.showPopover();
    const box = button.getBoundingClientRect();
    const menu = kinds.getBoundingClientRect();
    kinds.style.left = `${Math.max(8, Math.min(box.right + 8, innerWidth - menu.width - 8))}px`;
    kinds.style.top = `${Math.max(8, Math.min(box.top - 20, innerHeight - menu.height - 8))}px`;
    kinds.querySelector("button").focus();
  };
  const after = (card) => {
    const adds = [...canvas.querySelectorAll("[data-place]")];
    return adds.find((add) => card.compareDocumentPosition(add) & Node.DOCUMENT_POSITION_FOLLOWING) || adds.at(-1);
  };
  const insert = (kind, where) => {
    if (kinds?.matches(":popover-open")) kinds.hidePopover();
    post(jb.dataset.add, { kind, place: where });
  };
  jb.addEventListener("click", (event) => {
    const add = event.target.closest("[data-place]");
    if (add) return openKinds(add);
    const pal = event.target.closest(".jb-pal [data-kind]");
    if (pal) {
      const chosen = canvas.querySelector(".is-sel") || cards()[0];
      const target = after(chosen);
      if (target) insert(pal.dataset.kind, target.dataset.place);
    }
  });
  kinds?.addEventListener("click", (event) => {
    const pal = event.target.closest("[data-kind]");
    if (pal) insert(pal.dataset.kind, place);
  });
  kinds?.addEventListener("keydown", (event) => {
    const list = [...kinds.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    list[(list.indexOf(document.activeElement) + step + list.length) % list.length].focus();
  });

  // Keyboard on the canvas.
  canvas.addEventListener("keydown", (event) => {
    const card = current();
    if (!card || event.ctrlKey || event.metaKey || event.altKey) return;
    const list = cards();
    const at = list.indexOf(card);
    const lanes = () => {
      const lane = card.closest(".jf-br");
      const step = event.key === "ArrowRight" ? "nextElementSibling" : "previousElementSibling";
      return lane?.[step]?.querySelector?.("[data-step]");
    };
    const go = { ArrowDown: () => list[at + 1], ArrowUp: () => list[at - 1], ArrowLeft: lanes, ArrowRight: lanes }[event.key];
    if (go) {
      event.preventDefault();
      go()?.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      card.click();
    } else if (event.key.toLowerCase() === "a" && kinds) {
      event.preventDefault();
      openKinds(after(card));
    } else if ((event.key === "Delete" || event.key === "Backspace") && kinds && card.dataset.step !== "trigger") {
      event.preventDefault();
      if (card.closest("li").nextElementSibling?.matches(".jf-stem")) {
        card.click(); // has branches: its inspector asks first
        document.addEventListener("htmx:afterSettle", () => document.getElementById("step-delete")?.click(), { once: true });
      } else {
        wanted = list[at - 1]?.dataset.step || "trigger";
        post(url(card.dataset.step, "delete"));
      }
    }
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input, select, textarea, dialog");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !typing) {
      event.preventDefault();
      document.querySelector("[data-undo-edit]:not(:disabled)")?.click();
    }
  });

  // Drag: from the palette or a card onto a +.
  let dragged = null;
  jb.addEventListener("dragstart", (event) => {
    const source = event.target.closest("[data-kind], [data-step][draggable]");
    if (!source) return;
    dragged = source.dataset.kind ? { kind: source.dataset.kind } : { key: source.dataset.step };
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.kind || dragged.key);
    jb.classList.add("is-dragging");
  });
  const spot = (event) => {
    const li = event.target.closest?.(".jf-plus");
    return li?.querySelector("[data-place]");
  };
  canvas.addEventListener("dragover", (event) => {
    canvas.querySelector(".is-drop")?.classList.remove("is-drop");
    const add = dragged && spot(event);
    if (!add) return;
    event.preventDefault();
    add.classList.add("is-drop");
  });
  canvas.addEventListener("drop", (event) => {
    const add = dragged && spot(event);
    if (!add) return;
    event.preventDefault();
    if (dragged.kind) insert(dragged.kind, add.dataset.place);
    else post(url(dragged.key, "move"), { place: add.dataset.place });
  });
  jb.addEventListener("dragend", () => {
    dragged = null;
    jb.classList.remove("is-dragging");
    canvas.querySelector(".is-drop")?.classList.remove("is-drop");
  });

  // Selection: the card whose inspector is shown; the problems in the status line lead to their step.
  const mark = (key) => {
    cards().forEach((card) => {
      const on = card.dataset.step === key;
      card.classList.toggle("is-sel", on);
      card.toggleAttribute("aria-current", on);
      if (on) card.setAttribute("aria-current", "true");
    });
    const held = document.getElementById("selected");
    if (held) held.value = key;
  };
  let wanted = "";
  document.addEventListener("click", (event) => {
    const go = event.target.closest("[data-go]");
    if (go) {
      const card = document.getElementById(`s-${go.dataset.go}`);
      card?.scrollIntoView({ block: "center", inline: "center" });
      card?.click();
      card?.focus({ preventScroll: true });
    }
    if (event.target.closest("[data-close-inspector]")) {
      const key = document.getElementById("inspector").dataset.selected;
      document.getElementById("inspector").classList.remove("is-open");
      document.getElementById(`s-${key}`)?.focus();
    }
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const panel = document.getElementById("inspector");
    if (event.detail.target.id === "inspector") mark(panel.dataset.selected);
    if (event.detail.target === canvas) settle();
  });
  const settle = () => {
    zoomTo(zoom);
    const chosen = canvas.querySelector(".is-sel");
    const lost = document.activeElement === document.body || !document.activeElement?.isConnected;
    if (lost) (document.getElementById(`s-${wanted}`) || chosen)?.focus({ preventScroll: true });
    wanted = "";
    chosen?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  // When only one branch of a split goes on, a line leads from it back to the middle.
  const link = () => {
    canvas.querySelectorAll(".jf-split").forEach((split) => {
      const lanes = [...split.querySelectorAll(":scope > .jf-br")];
      const line = lanes[0].querySelector(":scope > .jf-link");
      const open = lanes.filter((lane) => !lane.classList.contains("is-ended"));
      line.hidden = open.length !== 1 || lanes.length < 2;
      if (line.hidden) return;
      const from = open[0].offsetLeft + open[0].offsetWidth / 2;
      const to = split.offsetWidth / 2;
      line.style.left = `${Math.min(from, to) - lanes[0].offsetLeft}px`;
      line.style.width = `${Math.abs(to - from) + 1}px`;
    });
  };

  // Zoom, remembered for the tab.
  let zoom = Number(sessionStorage.getItem("journey-zoom")) || 100;
  const zoomTo = (percent) => {
    zoom = Math.min(120, Math.max(40, percent));
    const flow = canvas.querySelector(":scope > .jf");
    if (flow) flow.style.zoom = zoom / 100;
    const out = document.getElementById("zoom");
    if (out) out.textContent = `${zoom}%`;
    sessionStorage.setItem("journey-zoom", zoom);
    link();
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-zoom]");
    if (!button) return;
    if (button.dataset.zoom === "fit") {
      zoomTo(100);
      const flow = canvas.querySelector(":scope > .jf");
      zoomTo(Math.floor(Math.min(100, ((canvas.clientWidth - 56) / flow.scrollWidth) * 100) / 5) * 5);
    } else zoomTo(zoom + Number(button.dataset.zoom));
  });
  addEventListener("resize", link);

  zoomTo(zoom);
  const chosen = canvas.querySelector(".is-sel") || canvas.querySelector("[data-step]");
  const middle = chosen.getBoundingClientRect();
  const view = canvas.getBoundingClientRect();
  canvas.scrollLeft += middle.left + middle.width / 2 - view.left - view.width / 2;
  if (chosen.classList.contains("is-sel")) chosen.scrollIntoView({ block: "nearest" });
})();

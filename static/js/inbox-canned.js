// Lists under the boxes of the inbox: canned replies after a slash, colleagues after an @. Arrows move, Enter takes, Esc leaves.
(() => {
  if (!document.querySelector("[data-inbox]")) return;
  const byId = (id) => document.getElementById(id);
  const SLASH = /(^|[^\w:/.])\/([^\s/]{0,30})$/; // not inside an address
  const AT = /[@＠]([^\s@＠]{0,20})$/;

  const typed = (box, pattern) => pattern.exec(box.value.slice(0, box.selectionStart));
  const options = (list) => [...list.querySelectorAll("[role=option]")];
  const close = () => ["canned", "mentions"].forEach((id) => byId(id) && (byId(id).hidden = true));
  const mark = (list, at) => {
    const all = options(list);
    all.forEach((option, n) => {
      option.classList.toggle("on", n === at);
      option.setAttribute("aria-selected", n === at);
    });
    all[at]?.scrollIntoView({ block: "nearest" });
  };
  const put = (box, text, from) => {
    box.setRangeText(text, from, box.selectionStart, "end");
    box.dispatchEvent(new Event("input", { bubbles: true }));
    box.focus();
    close();
  };

  let asked = 0;
  const offer = async (box, q) => {
    const list = byId("canned");
    const mine = ++asked;
    const answer = await fetch(`${box.dataset.canned}?q=${encodeURIComponent(q)}`, { headers: { "HX-Request": "true" } });
    if (!answer.ok || mine !== asked) return;
    list.innerHTML = await answer.text();
    list.hidden = false;
  };
  const take = (list, option) => {
    if (!option) return;
    if (list.id === "mentions") {
      const box = byId("note-form").querySelector("textarea");
      const found = typed(box, AT);
      put(box, `@${option.dataset.name} `, box.selectionStart - found[0].length);
      return;
    }
    const box = byId("reply-form").querySelector("textarea");
    const found = typed(box, SLASH);
    byId("reply-form").elements.canned.value = option.dataset.id;
    put(box, option.dataset.text, found ? box.selectionStart - found[2].length - 1 : box.selectionStart);
    if (option.dataset.missing) window.toast({ text: option.dataset.missing, level: "warn" });
  };

  const colleagues = (part) => {
    const names = (byId("composer").dataset.colleagues || "").split("|").filter(Boolean);
    return names.filter((name) => name.toLowerCase().includes(part.toLowerCase())).slice(0, 8);
  };
  const name = (part) => {
    const list = byId("mentions");
    const found = colleagues(part);
    list.replaceChildren(
      ...found.map((one, n) => {
        const row = document.createElement("div");
        row.setAttribute("role", "option");
        row.className = "canned-i";
        row.dataset.name = one;
        row.textContent = `@${one}`;
        row.classList.toggle("on", n === 0);
        row.setAttribute("aria-selected", n === 0);
        return row;
      }),
    );
    list.hidden = !found.length;
  };

  let timer = 0;
  document.addEventListener("input", (event) => {
    const box = event.target;
    if (box.matches?.("[data-canned]")) {
      const found = typed(box, SLASH);
      clearTimeout(timer);
      asked += 1;
      if (!found) close();
      else timer = setTimeout(() => offer(box, found[2]), 120);
    } else if (box.matches?.("[data-mentions]")) {
      const found = typed(box, AT);
      if (found) name(found[1]);
      else close();
    }
  });
  document.addEventListener("canned", () => {
    const box = document.querySelector("[data-canned]");
    if (box) offer(box, "");
  });
  // Before the keys of the inbox itself, so that Enter takes a line and does not send.
  document.addEventListener(
    "keydown",
    (event) => {
      const list = ["canned", "mentions"].map(byId).find((one) => one && !one.hidden);
      if (!list || !event.target.matches?.("#composer textarea") || event.isComposing) return;
      const all = options(list);
      const at = all.findIndex((option) => option.classList.contains("on"));
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (!all.length) return;
        mark(list, (at + (event.key === "ArrowDown" ? 1 : -1) + all.length) % all.length);
      } else if ((event.key === "Enter" || event.key === "Tab") && all.length) {
        take(list, all[at] || all[0]);
      } else if (event.key === "Escape") {
        close();
      } else return;
      event.preventDefault();
    },
    true,
  );
  document.addEventListener("click", (event) => {
    const option = event.target.closest("#canned [role=option], #mentions [role=option]");
    if (option) take(option.parentElement, option);
    else if (event.target.closest("[data-canned-open]")) {
      const box = document.querySelector("[data-canned]");
      box.focus();
      if (byId("canned").hidden) offer(box, "");
      else close();
    } else if (!event.target.closest("#composer")) close();
  });
})();

// Modal, confirmation and toasts. Server side: scrm/core/pages.py (toast, close_modal, done).
(() => {
  const modal = document.getElementById("modal");
  const sure = document.getElementById("sure");
  const toasts = document.getElementById("toasts");
  const icons = { ok: "circle-check", info: "info-circle", warn: "alert-triangle", bad: "alert-circle" };

  // A link or button with hx-target="#modal" opens the modal when its answer has come.
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target !== modal) return;
    if (!modal.firstElementChild) {
      modal.close(); // an answer without content: the work is done
      return;
    }
    modal.classList.toggle("wide", !!modal.querySelector("[data-wide]"));
    if (!modal.open) modal.showModal();
    (modal.querySelector("[autofocus], .is-invalid, input:not([type=hidden]), select, textarea") || modal).focus();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) event.target.closest("dialog")?.close();
    if (event.target instanceof HTMLDialogElement && event.target.hasAttribute("data-light")) event.target.close();
  });
  modal?.addEventListener("close", () => modal.replaceChildren());
  document.addEventListener("closeModal", () => modal?.close());

  // Confirmation: data-confirm="question" (and data-confirm-label) on a form, or hx-confirm on an htmx element.
  const ask = (text, label) =>
    new Promise((answer) => {
      sure.querySelector("[data-text]").textContent = text;
      const button = sure.querySelector("[value=yes]");
      button.textContent = label || button.dataset.label;
      sure.returnValue = "";
      sure.addEventListener("close", () => answer(sure.returnValue === "yes"), { once: true });
      sure.showModal();
    });
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const text = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (!text || form.dataset.sure || form.hasAttribute("hx-post")) return;
    event.preventDefault();
    const submitter = event.submitter;
    if (await ask(text, submitter?.dataset.confirmLabel || form.dataset.confirmLabel)) {
      form.dataset.sure = "1";
      form.requestSubmit(submitter);
      delete form.dataset.sure;
    }
  }, true);
  document.addEventListener("htmx:confirm", async (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    const label = event.detail.elt.dataset.confirmLabel;
    if (await ask(event.detail.question, label)) event.detail.issueRequest(true);
  });

  // Toasts stay 4 s (errors 8 s), longer while the pointer or focus is on them. As a popover they lie above dialogs.
  window.toast = ({ text, level = "ok", undo = "", undoLabel = "" }) => {
    const box = document.createElement("div");
    box.className = `toast-x t-${level}`;
    box.setAttribute("role", level === "bad" ? "alert" : "status");
    const icon = document.createElement("i");
    icon.className = `ti ti-${icons[level] || icons.info}`;
    icon.setAttribute("aria-hidden", "true");
    const line = document.createElement("span");
    line.textContent = text;
    box.append(icon, line);
    if (undo) {
      const back = document.createElement("button");
      back.className = "btn btn-sm btn-link";
      back.textContent = undoLabel || toasts.dataset.undo;
      back.addEventListener("click", async () => {
        const answer = await window.post(undo);
        if (answer.ok) location.reload();
      });
      box.append(back);
    }
    const close = document.createElement("button");
    close.className = "btn-ico sm";
    close.setAttribute("aria-label", toasts.dataset.close);
    close.innerHTML = '<i class="ti ti-x" aria-hidden="true"></i>';
    close.addEventListener("click", () => leave());
    box.append(close);
    const leave = () => {
      box.remove();
      if (!toasts.children.length && toasts.matches(":popover-open")) toasts.hidePopover();
    };
    let timer = 0;
    const start = () => (timer = setTimeout(leave, level === "bad" ? 8000 : 4000));
    ["pointerenter", "focusin"].forEach((name) => box.addEventListener(name, () => clearTimeout(timer)));
    ["pointerleave", "focusout"].forEach((name) => box.addEventListener(name, start));
    toasts.append(box);
    if (toasts.matches(":popover-open")) toasts.hidePopover();
    toasts.showPopover();
    start();
  };
  document.addEventListener("toast", (event) => window.toast(event.detail));
  document.querySelectorAll("template[data-toast]").forEach((line) => {
    window.toast({ text: line.content.textContent.trim(), level: line.dataset.toast });
  });
  document.addEventListener("htmx:sendError", () => window.toast({ text: toasts.dataset.offline, level: "bad" }));
  document.addEventListener("htmx:responseError", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Trigger")) {
      window.toast({ text: `${toasts.dataset.failed} (${event.detail.xhr.status})`, level: "bad" });
    }
  });
})();

/* Keeps the page true: asks for what changed, swaps only those parts, and sends what the customer does. */
(() => {
  'use strict';
  const root = document.getElementById('sbx');
  const marks = {}, born = Date.now();
  let version = root.dataset.version, timer = 0, asking = false;

  async function look() {
    clearTimeout(timer);
    if (asking) { return }
    asking = true;
    try {
      const query = new URLSearchParams({ v: version, ...marks });
      const answer = await fetch('/live?' + query);
      if (answer.status === 200) { take(await answer.json()) }
    } catch { /* The sandbox is away for a moment; the next look tells. */ }
    asking = false;
    timer = setTimeout(look, document.hidden ? 4000 : 800);
  }

  function take(news) {
    if (news.reload || news.openid !== root.dataset.openid) { location.reload(); return }
    version = news.version;
    for (const [name, { mark, html }] of Object.entries(news.parts)) {
      marks[name] = mark;
      const part = document.querySelector(`[data-part="${name}"]`);
      if (part.querySelector('details[open]')) { delete marks[name]; continue }
      swap(part, html);
    }
  }

  /* Keeps the reader's place: at the bottom it follows, elsewhere it stays. New rows are marked, except while the page
     is still filling. */
  function swap(part, html) {
    const box = part.matches('.phone-body') ? part : part.querySelector('.evs');
    const low = !box || box.scrollHeight - box.scrollTop - box.clientHeight < 60;
    const top = box ? box.scrollTop : 0;
    const known = new Set([...part.querySelectorAll('[data-key], [data-id]')].map(keyOf));
    const held = document.activeElement && part.contains(document.activeElement) ? pathOf(document.activeElement) : null;
    part.innerHTML = html;
    if (known.size && Date.now() - born > 3000) {
      part.querySelectorAll('[data-key], [data-id]').forEach(row => { if (!known.has(keyOf(row))) { row.classList.add('is-new') } });
    }
    const now = part.matches('.phone-body') ? part : part.querySelector('.evs');
    if (now) { now.scrollTop = low ? now.scrollHeight : top }
    if (held) { part.querySelector(held)?.focus() }
    document.dispatchEvent(new CustomEvent('sbx:swapped', { detail: part.dataset.part }));
  }

  const keyOf = row => row.dataset.key || row.dataset.id;

  function pathOf(element) {
    for (const name of ['act', 'menu', 'clock', 'script', 'tabTo', 'mail', 'visit']) {
      if (element.dataset[name] !== undefined) {
        return `[data-${name.replace(/[A-Z]/g, c => '-' + c.toLowerCase())}="${CSS.escape(element.dataset[name])}"]`;
      }
    }
    return null;
  }

  let fading = 0;
  function toast(text) {
    const box = document.querySelector('.sbx-toast');
    box.textContent = text;
    box.hidden = false;
    clearTimeout(fading);
    fading = setTimeout(() => { box.hidden = true }, 4000);
  }

  /* POST JSON, then look at once; a refusal is shown with its sentence. */
  async function send(path, data) {
    let good = false;
    try {
      const answer = await fetch(path, { method: 'POST', body: JSON.stringify(data || {}) });
      good = answer.ok;
      if (!good) { toast(`${root.dataset.saysFailed}: ${(await answer.json()).error || answer.status}`) }
    } catch (error) { toast(`${root.dataset.saysFailed}: ${error.message}`) }
    look();
    setTimeout(look, 400);
    return good;
  }

  window.sbx = { send, look, toast, root };
  document.querySelectorAll('.evs, .pane-chat .phone-body').forEach(box => { box.scrollTop = box.scrollHeight });
  document.addEventListener('visibilitychange', () => { if (!document.hidden) { look() } });
  timer = setTimeout(look, 300);
})();

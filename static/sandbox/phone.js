/* The phone: tabs, in-app browser, mail; and the buttons around it. */
(() => {
  'use strict';
  const { send, toast, root } = window.sbx;
  const phone = document.querySelector('.phone.big');
  const web = phone.querySelector('iframe[name="web"]');
  const mailFrame = phone.querySelector('iframe[name="mail"]');
  const outside = phone.querySelector('[data-outside]');
  const titles = JSON.parse(phone.querySelector('[data-titles]').dataset.titles);
  const product = root.dataset.product;
  const one = selector => phone.querySelector(selector);
  let shownMail = 0;

  ownBrowser();

  /* Each customer has a browser of their own: what the tracker keeps is put aside when the phone changes hands. */
  function ownBrowser() {
    const mine = root.dataset.openid, before = localStorage.getItem('sbx.owner');
    if (before !== mine) {
      const aside = { storage: {}, cookies: {} };
      Object.keys(localStorage).filter(key => key.startsWith('zk')).forEach(key => { aside.storage[key] = localStorage[key]; localStorage.removeItem(key) });
      document.cookie.split('; ').filter(pair => pair.startsWith('zk')).forEach(pair => {
        const [name, ...rest] = pair.split('=');
        aside.cookies[name] = rest.join('=');
        document.cookie = `${name}=; path=/; max-age=0`;
      });
      if (before) { localStorage.setItem('sbx.kept.' + before, JSON.stringify(aside)) }
      const kept = JSON.parse(localStorage.getItem('sbx.kept.' + mine) || '{"storage": {}, "cookies": {}}');
      Object.entries(kept.storage).forEach(([key, value]) => localStorage.setItem(key, value));
      Object.entries(kept.cookies).forEach(([key, value]) => { document.cookie = `${key}=${value}; path=/; max-age=31536000; samesite=lax` });
      localStorage.setItem('sbx.owner', mine);
    }
    setInterval(tellBrowser, 3000);
  }

  let told = '';
  function tellBrowser() {
    const id = localStorage.getItem('zk_id') || '';
    if (id && id !== told) { told = id; fetch('/note', { method: 'POST', body: JSON.stringify({ kind: 'browser', detail: id }) }) }
  }

  function show(tab) {
    phone.dataset.tab = tab;
    ['chat', 'mail', 'weibo', 'web'].forEach(name => { one('.pane-' + name).hidden = name !== tab });
    phone.querySelectorAll('.phone-tabs button').forEach(button => {
      if (button.dataset.tabTo === tab) { button.setAttribute('aria-current', 'true') } else { button.removeAttribute('aria-current') }
    });
    one('.phone-title').textContent = titles[tab];
    if (tab === 'web' && !web.getAttribute('src')) { visit('/shop/') }
    if (tab === 'mail') { closeMail() }
    if (tab === 'weibo') { const body = one('.pane-weibo .phone-body'); body.scrollTop = body.scrollHeight }
    if (tab === 'chat') { const body = one('.pane-chat .phone-body'); body.scrollTop = body.scrollHeight }
  }

  /* Loads an address in the phone's browser. The product's own pages forbid framing, so they get a window beside the phone. */
  function visit(url) {
    const target = new URL(url, location.href);
    const own = target.origin === product && !target.pathname.startsWith('/l/');
    one('.web-out').hidden = !own;
    web.hidden = own;
    one('.web-bar span').textContent = target.host + target.pathname;
    outside.href = target.href;
    if (own) {
      one('.web-out a').href = target.href;
      window.open(target.href, 'zk-beside', 'popup,width=400,height=760');
      toast(root.dataset.saysOwnWindow);
    } else {
      web.src = target.href;
    }
  }

  web.addEventListener('load', () => {
    try {
      one('.web-bar span').textContent = web.contentWindow.location.host + web.contentWindow.location.pathname;
      outside.href = web.contentWindow.location.href;
    } catch { /* A page of another origin keeps the address that was asked for. */ }
    window.sbx.look();
  });

  function open(url) {
    send('/note', { kind: 'open', detail: url.slice(0, 300) });
    show('web');
    visit(url);
  }

  async function readMail(number) {
    const mail = await (await fetch('/mail/' + number)).json();
    shownMail = number;
    one('.mail-one h2').textContent = mail.subject;
    one('.mail-one p').textContent = `${mail.from} · ${mail.when}`;
    one('[data-unsubscribe]').hidden = !mail.one_click;
    mailFrame.src = mail.body;
    one('.mails').hidden = true;
    one('.mail-one').hidden = false;
    window.sbx.look();
  }

  function closeMail() {
    one('.mails').hidden = false;
    one('.mail-one').hidden = true;
    mailFrame.removeAttribute('src');
  }

  async function unsubscribe() {
    const answer = await (await fetch(`/mail/${shownMail}/unsubscribe`, { method: 'POST' })).json();
    toast(answer.done ? root.dataset.saysUnsubscribed : `${root.dataset.saysFailed}: ${answer.error || answer.status}`);
  }

  window.addEventListener('message', event => {
    if (event.source === mailFrame.contentWindow && event.data && /^https?:/.test(event.data.open || '')) { open(event.data.open) }
  });

  function say(text, menuId) {
    show('chat');
    return send('/play', menuId ? { kind: 'text', text, menu_id: menuId } : { kind: 'text', text });
  }

  function back() {
    if (phone.dataset.tab === 'mail' && !one('.mail-one').hidden) { closeMail(); return }
    if (phone.dataset.tab === 'web') { try { web.contentWindow.history.back() } catch { visit('/shop/') } return }
    show('chat');
  }

  async function leave(path, data, sure) {
    if (sure && !window.confirm(sure)) { return }
    if (await send(path, data)) { location.reload() }
  }

  /* The code chosen in the list; one that was opened as an address counts until another is chosen. */
  let chosen = new URLSearchParams(location.search).get('scene') || '';
  document.addEventListener('change', event => { if (event.target.matches('[data-scene]')) { chosen = event.target.value } });
  document.addEventListener('sbx:swapped', keepScene);
  function keepScene() {
    const list = document.querySelector('[data-scene]');
    if (list && chosen && [...list.options].some(option => option.value === chosen)) { list.value = chosen }
  }
  keepScene();
  const scene = () => chosen || document.querySelector('[data-scene]')?.value || '';
  const act = kind => (scene() && ['follow', 'scan'].includes(kind) ? { kind, scene: scene() } : { kind });
  const script = {
    weibo: value => { show('weibo'); const field = one('[data-weibo-form] input'); field.value = value; field.focus() },
    weibo_bind: () => { show('weibo'); return send('/play', { kind: 'weibo_bind' }) },
    act: value => { show('chat'); return send('/play', act(value)) },
    clock: value => send('/turn-clock', { shift: value }),
    say: value => say(value),
    open: value => open(value),
    shop: value => { show('web'); visit(value) },
    mail: value => { show('mail'); if (value) { readMail(value) } },
  };

  document.addEventListener('click', event => {
    const hit = event.target.closest('button, a');
    if (!hit || hit.disabled) { return }
    const data = hit.dataset;
    if (data.open !== undefined && hit.href) { event.preventDefault(); open(hit.href) }
    else if (data.act) { if (data.stay === undefined) { show('chat') } send('/play', act(data.act)) }
    else if (data.menu) { pressMenu(data) }
    else if (data.clock) { send('/turn-clock', { shift: data.clock }) }
    else if (data.say) { say(data.say, data.menuId) }
    else if (data.tabTo) { show(data.tabTo) }
    else if (data.mail) { readMail(data.mail) }
    else if (data.unsubscribe !== undefined) { unsubscribe() }
    else if (data.back !== undefined) { back() }
    else if (data.focusSay !== undefined) { show('chat'); one('.wx-input input').focus() }
    else if (data.script) { script[data.script](data.value) }
    else if (data.visit) { send('/note', { kind: 'script:' + data.visit }) }
    else if (data.do === 'change-person') { leave('/change-person', { openid: data.openid }) }
    else if (data.do === 'start-over') { leave('/start-over', { chapter: data.chapter, keep_clock: data.keepClock !== undefined }, data.sure) }
    else if (data.group !== undefined) { filter(hit) }
  });

  async function pressMenu(data) {
    if (await send('/play', { kind: 'menu', key: data.menu }) && data.url) { show('web'); visit(data.url) }
  }

  document.querySelector('[data-say-form]').addEventListener('submit', event => {
    event.preventDefault();
    const field = event.target.elements.text;
    if (field.value.trim()) { say(field.value); field.value = '' }
  });

  document.querySelector('[data-weibo-form]').addEventListener('submit', event => {
    event.preventDefault();
    const { how, words: text } = event.target.elements;
    if (!text.value.trim()) { return }
    send('/play', how.value === 'message' ? { kind: 'weibo_message', text: text.value } : { kind: 'weibo_comment', text: text.value, stranger: how.value === 'stranger' });
    text.value = '';
  });

  function filter(chip) {
    document.querySelectorAll('[data-group]').forEach(other => other.setAttribute('aria-pressed', String(other === chip)));
    document.querySelector('.sbx-log').dataset.only = chip.dataset.group;
  }

  document.addEventListener('sbx:swapped', event => {
    if (event.detail === 'mails') { one('[data-unread]').hidden = !Number(one('[data-count]')?.dataset.count) }
  });
  one('[data-unread]').hidden = !Number(one('[data-count]')?.dataset.count);
  document.addEventListener('click', event => {
    document.querySelectorAll('details.pop[open]').forEach(pop => { if (!pop.contains(event.target)) { pop.open = false } });
  });
})();

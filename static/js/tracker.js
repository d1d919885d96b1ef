/* The web tracker: pages, dwell time, scroll depth, clicks on marked elements, video progress and forms of one web site.
   Served as /t.js?k=<write key>, which puts window.zkConfig in front. Before it has loaded, calls queue up:
     window.zk = window.zk || function () { (zk.q = zk.q || []).push(arguments) }
   zk('page' [, name, properties])   zk('track', event [, properties])   zk('identify' [, userId], traits)
   zk('form', form, answers)         zk('reset')
   <script src="…/t.js?k=…" data-page async> views the page by itself. */
(function (win, doc) {
  'use strict';
  var config = win.zkConfig || {};
  if (!config.key || (win.zk && win.zk.loaded)) return;
  var YEAR = 365 * 24 * 3600, LIMIT = 60000;
  var script = doc.currentScript;
  var collector = script && script.src ? new URL(script.src).origin : config.url;

  function cookie(name, value, seconds) {
    if (value === undefined) {
      var found = doc.cookie.match(new RegExp('(?:^|; )' + name + '=([^;]*)'));
      return found ? decodeURIComponent(found[1]) : '';
    }
    doc.cookie = name + '=' + encodeURIComponent(value) + '; path=/; max-age=' + seconds + '; samesite=lax' +
      (location.protocol === 'https:' ? '; secure' : '');
    return value;
  }

  /* First-party cookie, with a second copy in local storage: either may be cleared or refused. */
  function stored(name, value, seconds) {
    try {
      if (value === undefined) return cookie(name) || win.localStorage.getItem(name) || '';
      win.localStorage.setItem(name, value);
    } catch (refused) { if (value === undefined) return cookie(name); }
    return cookie(name, value, seconds);
  }

  function id() {
    if (win.crypto && win.crypto.randomUUID) return win.crypto.randomUUID();
    return 'xxxxxxxx-xxxx-4xxx-8xxx-xxxxxxxxxxxx'.replace(/x/g, function () { return (Math.random() * 16 | 0).toString(16) });
  }

  function anonymousId() {
    return stored('zk_id') || stored('zk_id', id(), 2 * YEAR);
  }

  var query = new URLSearchParams(location.search);
  /* The token of a personal link: kept for this browser session's visits, told with every call. */
  if (/^[\w.~-]{1,200}$/.test(query.get('zk') || '')) stored('zk_link', query.get('zk'), 30 * 24 * 3600);

  function campaign() {
    var found = {};
    ['source', 'medium', 'campaign', 'term', 'content'].forEach(function (name) {
      var value = query.get('utm_' + name);
      if (value) found[name === 'campaign' ? 'name' : name] = value.slice(0, 120);
    });
    return found;
  }

  /* Without the personal token, so that a copied address or a report never carries it. */
  function without(given) {
    try {
      var url = new URL(given);
      url.searchParams.delete('zk');
      url.hash = '';
      return url.href;
    } catch (strange) { return '' }
  }

  function context() {
    var told = {
      page: { url: without(location.href).slice(0, 800), path: location.pathname, title: doc.title.slice(0, 200), referrer: without(doc.referrer).slice(0, 500) },
      locale: navigator.language, campaign: campaign(), library: { name: 'zk', version: '1' }
    };
    try { told.timezone = Intl.DateTimeFormat().resolvedOptions().timeZone } catch (unknown) { /* old browser */ }
    if (stored('zk_link')) told.link = stored('zk_link');
    return told;
  }

  function send(call, body) {
    var now = new Date().toISOString();
    body.writeKey = config.key;
    body.messageId = id();
    body.anonymousId = anonymousId();
    if (stored('zk_user')) body.userId = body.userId || stored('zk_user');
    body.timestamp = body.timestamp || now;
    body.sentAt = now;
    body.context = context();
    var text = JSON.stringify(body), url = collector + '/v1/' + call;
    if (text.length > 32000) return;
    if (!(navigator.sendBeacon && text.length < LIMIT && navigator.sendBeacon(url, new Blob([text], { type: 'text/plain' })))) {
      fetch(url, { method: 'POST', body: text, headers: { 'Content-Type': 'text/plain' }, keepalive: true, mode: 'cors' }).catch(function () {});
    }
  }

  /* Dwell time counts only while the page is seen; scroll depth is the deepest point in percent. */
  var view = null, seenSince = 0;
  function begin() {
    view = { seconds: 0, scroll: 0, told: false };
    seenSince = doc.visibilityState === 'hidden' ? 0 : Date.now();
    deepen();
  }
  function deepen() {
    var root = doc.documentElement, height = root.scrollHeight;
    if (view && height) view.scroll = Math.max(view.scroll, Math.min(100, Math.round((win.scrollY + win.innerHeight) / height * 100)));
  }
  function rest() {
    if (view && seenSince) { view.seconds += (Date.now() - seenSince) / 1000; seenSince = 0 }
  }
  function leave() {
    rest();
    if (!view || view.told || view.seconds < 1) return;
    view.told = true;
    track('Page Left', { seconds: Math.round(view.seconds), scroll_percent: view.scroll });
  }

  function track(event, properties) {
    if (typeof event === 'string' && event) send('track', { event: event, properties: properties || {} });
  }

  var calls = {
    page: function (name, properties) {
      if (view) leave();
      begin();
      send('page', { name: typeof name === 'string' ? name : undefined, properties: (typeof name === 'object' ? name : properties) || {} });
    },
    track: track,
    identify: function (user, traits) {
      if (typeof user === 'object') { traits = user; user = '' }
      if (user) stored('zk_user', String(user), YEAR);
      send('identify', { userId: user ? String(user) : undefined, traits: traits || {} });
    },
    form: function (form, answers) {
      var properties = { form: String(form || 'form') };
      Object.keys(answers || {}).forEach(function (name) { properties[name] = answers[name] });
      track('Form Submitted', properties);
    },
    reset: function () {
      ['zk_id', 'zk_user', 'zk_link'].forEach(function (name) {
        cookie(name, '', 0);
        try { win.localStorage.removeItem(name) } catch (refused) { /* nothing was kept */ }
      });
    }
  };

  doc.addEventListener('visibilitychange', function () {
    if (doc.visibilityState === 'hidden') leave();
    else if (view) { if (view.told) { view.seconds = 0; view.told = false } seenSince = Date.now() }
  });
  win.addEventListener('pagehide', leave);
  win.addEventListener('scroll', deepen, { passive: true });
  doc.addEventListener('click', function (event) {
    var marked = event.target.closest && event.target.closest('[data-zk]');
    if (marked) track('Element Clicked', { element: marked.dataset.zk, text: (marked.textContent || '').trim().slice(0, 80), href: marked.href || '' });
  }, true);
  doc.addEventListener('timeupdate', function (event) {
    var video = event.target;
    if (!video.duration || !isFinite(video.duration)) return;
    var percent = video.currentTime / video.duration * 100;
    [25, 50, 75, 95].forEach(function (mark) {
      var told = video.zkTold || (video.zkTold = {});
      if (percent >= mark && !told[mark]) {
        told[mark] = true;
        track('Video Progress', { video: video.dataset.zkVideo || video.title || (video.currentSrc || '').split('?')[0].slice(-120), percent: mark });
      }
    });
  }, true);

  var waiting = (win.zk && win.zk.q) || [];
  win.zk = function (name) {
    var call = calls[name];
    if (call) call.apply(null, Array.prototype.slice.call(arguments, 1));
  };
  win.zk.loaded = true;
  if (script && script.hasAttribute('data-page')) win.zk('page');
  waiting.forEach(function (call) { win.zk.apply(null, call) });
})(window, document);

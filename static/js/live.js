// Live regions: one cheap poll per page asks whether the version of anything shown has changed (no database query), and
// fires "live" on the elements concerned; their hx-trigger="live" fetches the new content. Server side: scrm/core/live.py
(() => {
  const EVERY = 2000;
  const AT_LEAST = 60000; // without Redis nothing announces a change: look once a minute anyway
  const seen = new Map();

  const poll = async () => {
    const regions = [...document.querySelectorAll("[data-live]")];
    if (!regions.length || document.hidden) return;
    const keys = [...new Set(regions.map((region) => region.dataset.live))];
    const address = document.body.dataset.liveUrl;
    const answer = await fetch(`${address}?${new URLSearchParams(keys.map((key) => ["of", key]))}`);
    if (!answer.ok) return;
    const versions = await answer.json();
    for (const region of regions) {
      const key = region.dataset.live;
      const last = seen.get(key);
      if (!last) {
        // The page carries the version it was drawn from, so that a change during loading is not missed.
        seen.set(key, { version: region.dataset.liveVersion ?? versions[key], at: Date.now() });
      }
      const now = seen.get(key);
      if (now.version !== versions[key] || Date.now() - now.at > AT_LEAST) {
        regions.filter((r) => r.dataset.live === key).forEach((r) => htmx.trigger(r, "live"));
        seen.set(key, { version: versions[key], at: Date.now() });
      }
    }
  };
  const loop = async () => {
    try {
      await poll();
    } catch {
      // the server is away for a moment: the next round tries again
    }
    setTimeout(loop, EVERY);
  };
  setTimeout(loop, EVERY);
})();

"""The tracker's script: valid JavaScript that tells the collector what it should (run in Node with a tiny page)."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

SCRIPT = Path(settings.BASE_DIR) / "static" / "js" / "tracker.js"
node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")

PAGE = """
const sent = [], listeners = {};
const store = {};
let jar = {};
const document_ = {
  currentScript: { hasAttribute: () => false }, title: 'Shoes', referrer: 'https://www.example.com/s', visibilityState: 'visible',
  documentElement: { scrollHeight: 1000 }, addEventListener: (n, f) => { listeners[n] = f },
  get cookie() { return Object.entries(jar).map(([k, v]) => k + '=' + v).join('; ') },
  set cookie(text) { const [pair, ...rest] = text.split('; '); const [k, v] = pair.split('=');
    if (rest.includes('max-age=0')) delete jar[k]; else jar[k] = v },
};
const window_ = {
  zkConfig: { key: 'wk', url: 'http://c' }, scrollY: 300, innerHeight: 500, crypto: globalThis.crypto,
  addEventListener: (n, f) => { listeners[n] = f },
  localStorage: { getItem: k => store[k] || null, setItem: (k, v) => { store[k] = v }, removeItem: k => { delete store[k] } },
};
const location_ = new URL('https://shop.example.com/p/7?zk=tok-123&utm_source=oa&color=red');
const navigator_ = { language: 'zh-CN', sendBeacon: (url, blob) => { sent.push([url, blob.parts[0], blob.type]); return true } };
class Blob_ { constructor(parts, options) { this.parts = parts; this.type = options.type } }
window_.zk = function () { (window_.zk.q = window_.zk.q || []).push(arguments) };
window_.zk('page');
window_.zk('form', 'coupon', { email: 'a@example.com', consent: true });
const run = new Function('window', 'document', 'location', 'navigator', 'Blob', SOURCE);
run(window_, document_, location_, navigator_, Blob_);
window_.zk('identify', 'u1', { name: '林夏' });
window_.zk('track', 'Size Guide Opened', { size: 42 });
listeners.click({ target: { closest: () => ({ dataset: { zk: 'buy' }, textContent: ' Buy ', href: '' }) } });
const video = { duration: 100, currentTime: 55, dataset: {}, title: 'How to lace', currentSrc: '' };
listeners.timeupdate({ target: video }); listeners.timeupdate({ target: video });
const realNow = Date.now; Date.now = () => realNow() + 12000;
document_.visibilityState = 'hidden'; listeners.visibilitychange(); listeners.pagehide();
window_.zk('reset');
console.log(JSON.stringify({ sent: sent.map(([u, t, k]) => [u, JSON.parse(t), k]), jar, store }));
"""


@node
def test_syntax():
    subprocess.run(["node", "--check", SCRIPT], check=True, timeout=30)


@node
def test_what_it_tells():
    code = f"const SOURCE = {json.dumps(SCRIPT.read_text(encoding='utf-8'))};{PAGE}"
    ran = subprocess.run(["node", "-e", code], check=True, capture_output=True, text=True, timeout=30)
    told = json.loads(ran.stdout)
    names = [body.get("event") or url.rsplit("/", 1)[1] for url, body, _kind in told["sent"]]
    assert names == [
        "page",
        "Form Submitted",
        "identify",
        "Size Guide Opened",
        "Element Clicked",
        "Video Progress",
        "Video Progress",
        "Page Left",
    ]
    assert {kind for _url, _body, kind in told["sent"]} == {"text/plain"}
    bodies = [body for _url, body, _kind in told["sent"]]
    assert len({body["anonymousId"] for body in bodies}) == 1 and len({body["messageId"] for body in bodies}) == len(
        bodies
    )
    page = bodies[0]
    assert page["context"]["link"] == "tok-123" and page["context"]["campaign"] == {"source": "oa"}
    assert page["context"]["page"]["url"] == "https://shop.example.com/p/7?utm_source=oa&color=red"
    assert bodies[1]["properties"] == {"form": "coupon", "email": "a@example.com", "consent": True}
    assert bodies[2]["userId"] == "u1" and bodies[3]["userId"] == "u1"
    assert [body["properties"]["percent"] for body in bodies[5:7]] == [25, 50]
    assert bodies[7]["properties"] == {"seconds": 12, "scroll_percent": 80}
    assert told["jar"] == {} and told["store"] == {}

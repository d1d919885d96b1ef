// Charts: {% chart "id" option label %} prints an ECharts option as JSON; here it gets fonts, axes, tooltip and both
// themes. In the JSON "--s1" is a colour token and "@count", "@money", "@wan", "@pct" are number formats.
// ECharts itself is fetched only when a page shows a chart. Own code may use window.chart(element, (tokens, axis) => option).
(() => {
  const here = document.currentScript;
  const probe = document.createElement("i");
  probe.hidden = true;
  document.body.append(probe);
  const token = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const chinese = document.documentElement.lang.startsWith("zh");
  const count = (value) => (value == null ? "—" : Number(value).toLocaleString("en-US").replace("-", "−"));
  const short = (value) => {
    if (value == null) return "—";
    const units = chinese ? [[1e8, "亿"], [1e4, "万"]] : [[1e9, "B"], [1e6, "M"], [1e3, "k"]];
    const unit = units.find(([size]) => Math.abs(value) >= size);
    return unit ? `${+(value / unit[0]).toFixed(1)}${unit[1]}` : count(value);
  };
  const formats = {
    "@count": count,
    "@money": (value) => (value == null ? "—" : `¥${count(value)}`),
    "@wan": short,
    "@pct": (value) => (value == null ? "—" : `${(value * 100).toFixed(1)}%`),
  };
  const fill = (value) => {
    if (Array.isArray(value)) return value.map(fill);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, fill(inner)]));
    }
    if (typeof value !== "string") return value;
    return value.startsWith("--") ? token(value) : (formats[value] ?? value);
  };
  const merge = (base, extra) => {
    if (Array.isArray(extra)) return extra.map((one) => merge(base, one));
    const out = { ...base };
    for (const [key, value] of Object.entries(extra || {})) {
      const plain = value && typeof value === "object" && !Array.isArray(value);
      out[key] = plain && base[key] ? merge(base[key], value) : value;
    }
    return out;
  };
  const theme = () => {
    const series = (name, from, to) => Array.from({ length: to - from + 1 }, (_, i) => token(`--${name}${from + i}`));
    const t = { s: series("s", 1, 6), heat: series("heat-", 0, 4) };
    for (const name of ["text", "text-2", "text-3", "line", "surface", "accent", "ok", "warn", "bad"]) {
      t[name.replace("-", "")] = token(`--${name}`);
    }
    const axis = {
      axisLine: { lineStyle: { color: t.line } },
      axisTick: { show: false },
      axisLabel: { color: t.text3, fontSize: 12 },
      splitLine: { lineStyle: { color: t.line } },
    };
    const base = {
      animation: false,
      color: t.s,
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: t.text2 },
      legend: { textStyle: { color: t.text2, fontSize: 12 }, itemWidth: 10, itemHeight: 10, icon: "roundRect" },
      tooltip: {
        backgroundColor: t.surface,
        borderColor: t.line,
        textStyle: { color: t.text, fontSize: 12 },
        padding: [6, 10],
        confine: true,
      },
    };
    return { t, axis, base };
  };
  const shown = new Map();
  const paint = ({ chart, make }) => {
    const { t, axis, base } = theme();
    const option = make(t, axis);
    if (!option.legend) delete base.legend;
    chart.setOption(merge(base, option), true);
  };
  let loading = null;
  const engine = () => {
    loading ??= new Promise((ready, failed) => {
      const script = document.createElement("script");
      script.src = here.dataset.engine;
      script.addEventListener("load", ready);
      script.addEventListener("error", failed);
      document.head.append(script);
    });
    return loading;
  };
  window.chart = async (element, make) => {
    await engine();
    if (!element.isConnected) return;
    shown.get(element)?.chart.dispose();
    const entry = { chart: echarts.init(element, null, { renderer: "svg" }), make };
    shown.set(element, entry);
    paint(entry);
    new ResizeObserver(() => !entry.chart.isDisposed() && entry.chart.resize()).observe(element);
  };
  const draw = (root) => {
    root.querySelectorAll("[data-chart]").forEach((element) => {
      if (element.dataset.drawn) return;
      element.dataset.drawn = "1";
      const option = JSON.parse(document.getElementById(element.dataset.chart).textContent);
      window.chart(element, (t, axis) => {
        const ready = fill(option);
        for (const side of ["xAxis", "yAxis"]) if (ready[side]) ready[side] = merge(axis, ready[side]);
        return ready;
      });
    });
  };
  draw(document);
  document.addEventListener("htmx:load", (event) => draw(event.detail.elt.parentNode || document));
  document.addEventListener("theme", () => shown.forEach(paint));
  document.addEventListener("htmx:afterSettle", () => {
    for (const [element, entry] of shown) {
      if (element.isConnected) continue;
      entry.chart.dispose();
      shown.delete(element);
    }
  });
})();

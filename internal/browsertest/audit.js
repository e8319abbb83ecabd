(() => {
  const found = [], say = (text) => { if (!found.includes(text)) found.push(text); };
  const name = (e) => {
    const text = (e.getAttribute("aria-label") || e.textContent || "").trim().replace(/\s+/g, " ").slice(0, 50);
    return "<" + e.tagName.toLowerCase() + (e.id ? " id=" + e.id : "") + (e.getAttribute("class") ? ' class="' + e.getAttribute("class") + '"' : "") + "> " + text;
  };
  const all = [...document.querySelectorAll("body *")];
  const style = (e) => getComputedStyle(e);
  // What is there for those who hear the page, and not to be seen.
  const unseen = (e) => { for (let x = e; x && x instanceof Element; x = x.parentElement) { const s = style(x); if (s.display === "none" || s.visibility === "hidden" || s.clipPath === "inset(50%)") return true; } return false; };

  // The page fits: nothing needs scrolling sideways but boxes that the keyboard can scroll.
  const root = document.documentElement;
  if (root.scrollWidth > innerWidth) {
    const wide = all.filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !unseen(e)).map(name);
    say("the page is " + root.scrollWidth + " pixels wide on a screen of " + innerWidth + ": " + wide.slice(-3).join("; "));
  }
  const reached = "a[href], button, input, select, textarea, summary, [tabindex]";
  for (const e of all) {
    const s = style(e), scrolls = /auto|scroll/.test(s.overflowX + s.overflowY) && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1);
    if (scrolls && e.clientWidth > 1 && !unseen(e) && !(e.tabIndex >= 0) && !e.querySelector(reached)) say("the keyboard cannot scroll " + name(e));
    if (s.overflowX === "hidden" && e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && s.textOverflow === "clip" && !(e instanceof SVGElement) && !unseen(e) && e.tagName !== "BODY" && !e.querySelector("svg") && !/^(INPUT|PROGRESS)$/.test(e.tagName)) say("cut off: " + name(e));
    if (e.getAttribute("tabindex") === "0" && !(e.getAttribute("role") && (e.getAttribute("aria-label") || e.getAttribute("aria-labelledby"))) && !e.matches("a, button, input, summary") && !(e instanceof SVGElement)) say("a stop of the keyboard says nothing of itself: " + name(e));
  }

  // Its parts have names.
  if (!root.lang) say("the page has no language");
  if (!document.title.trim()) say("the page has no title");
  const count = (what) => document.querySelectorAll(what).length;
  if (count("h1") !== 1) say(count("h1") + " main headings");
  if (count("main") !== 1) say(count("main") + " main parts");
  if (count("body > header, [role=banner]") !== 1) say("no header");
  const navs = [...document.querySelectorAll("nav")];
  if (navs.length > 1 && navs.some((n) => !n.getAttribute("aria-label") && !n.getAttribute("aria-labelledby"))) say("several navigations, and one has no name");
  const first = document.querySelector("a[href]");
  if (!first || !/^#./.test(first.getAttribute("href")) || !document.getElementById(first.getAttribute("href").slice(1))) say("no link to the content before all others");
  let level = 0;
  for (const h of document.querySelectorAll("main :is(h1, h2, h3, h4, h5, h6)")) {
    const n = +h.tagName[1];
    if (level && n > level + 1) say("a heading is skipped before " + name(h));
    level = n;
  }
  const ids = new Set();
  for (const e of document.querySelectorAll("[id]")) { if (ids.has(e.id)) say("twice the id " + e.id); ids.add(e.id); }
  for (const e of document.querySelectorAll("[aria-labelledby], [aria-describedby], [aria-controls]")) for (const a of ["aria-labelledby", "aria-describedby", "aria-controls"]) for (const id of (e.getAttribute(a) || "").split(/\s+/).filter(Boolean)) if (!document.getElementById(id)) say(a + " names " + id + ", which is not there");
  for (const e of document.querySelectorAll("th")) if (!e.getAttribute("scope")) say("a head of a table without scope: " + name(e));
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) say("a picture without words: " + e.src);
  for (const e of document.querySelectorAll("a[href], button, summary")) if (!(e.getAttribute("aria-label") || e.textContent.trim() || e.querySelector("img[alt]:not([alt=''])"))) say("no name: " + e.outerHTML.slice(0, 90));
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) if (!(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.labels.length)) say("no label: " + e.outerHTML.slice(0, 90));
  for (const e of document.querySelectorAll("button, nav a, summary")) {
    const r = e.getBoundingClientRect();
    if (r.height > 0 && r.height < 23.5 && !unseen(e) && r.right > 0 && style(e).display !== "inline") say("hard to hit, " + r.height.toFixed(1) + " pixels high: " + name(e));
  }

  // Every text can be read on its ground: 4.5 to 1, and 3 to 1 where it is large.
  const colour = (text) => {
    const m = /^rgba?\(([^)]+)\)$/.exec(text);
    if (!m) return null;
    const v = m[1].split(/[ ,/]+/).map(Number);
    return { r: v[0], g: v[1], b: v[2], a: v.length > 3 ? v[3] : 1 };
  };
  const over = (top, below) => ({ r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1 });
  const part = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = (c) => 0.2126 * part(c.r) + 0.7152 * part(c.g) + 0.0722 * part(c.b);
  const ratio = (a, b) => { const x = light(a), y = light(b); return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05); };
  const canvas = matchMedia("(prefers-color-scheme: dark)").matches ? { r: 18, g: 18, b: 18, a: 1 } : { r: 255, g: 255, b: 255, a: 1 };
  const shapes = [...document.querySelectorAll("svg rect")];
  const ground = (e) => {
    const layers = [];
    for (let x = e; x; x = x.parentElement) {
      const s = style(x);
      if (s.backgroundImage !== "none") return null;
      const c = colour(s.backgroundColor);
      if (c && c.a > 0) { layers.push(c); if (c.a === 1) break; }
    }
    let out = canvas;
    for (const c of layers.reverse()) out = over(c, out);
    if (e instanceof SVGElement) { // what is drawn before a text is behind it
      const r = e.getBoundingClientRect(), x = r.left + r.width / 2, y = r.top + r.height / 2;
      for (const shape of shapes) {
        if (!(shape.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) break;
        const b = shape.getBoundingClientRect(), c = colour(style(shape).fill);
        if (c && b.left <= x && x <= b.right && b.top <= y && y <= b.bottom) { c.a *= parseFloat(style(shape).fillOpacity); out = over(c, out); }
      }
    }
    return out;
  };
  const readable = (e, s, text, what) => {
    const back = ground(e), front = colour(e instanceof SVGElement ? s.fill : s.color);
    if (!back || !front) return;
    for (let x = e; x && x instanceof Element; x = x.parentElement) front.a *= parseFloat(style(x).opacity);
    if (front.a === 0) return; // it is not there
    const size = parseFloat(s.fontSize), large = size >= 24 || (size >= 18.66 && +s.fontWeight >= 700), r = ratio(over(front, back), back);
    if (r < (large ? 3 : 4.5)) say("a contrast of " + r.toFixed(2) + what + ": " + text.trim().replace(/\s+/g, " ").slice(0, 40) + " in " + name(e).slice(0, 90));
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), range = document.createRange();
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || /^(SCRIPT|STYLE|NOSCRIPT|TITLE)$/i.test(e.tagName) || unseen(e)) continue;
    range.selectNodeContents(n);
    const r = range.getBoundingClientRect();
    if (r.width === 0 || r.right <= 0 || r.bottom <= 0) continue;
    readable(e, style(e), n.data, "");
  }
  for (const e of all) {
    if (unseen(e)) continue;
    for (const pseudo of ["::before", "::after"]) {
      const s = getComputedStyle(e, pseudo);
      if (s.content !== "none" && s.content !== "normal" && s.content !== '""' && s.display !== "none" && !(e instanceof SVGElement)) readable(e, s, s.content, " (" + pseudo + ")");
    }
    if (e.placeholder) readable(e, getComputedStyle(e, "::placeholder"), e.placeholder, " (placeholder)");
  }
  return found;
})()

"use strict";
// On a narrow screen the list of pages is folded away, until somebody wants it.
if (matchMedia("(max-width: 48rem)").matches) document.querySelector("details.nav").open = false;

// A search in what the site says. Its index is one more script, which is loaded
// when somebody begins to search: a page that is opened as a file can load that.
(() => {
  const most = 30, header = document.querySelector("header"), make = (tag, set, ...inner) => {
    const e = document.createElement(tag);
    for (const name in set) e.setAttribute(name, set[name]);
    e.append(...inner);
    return e;
  };
  const field = make("input", { type: "search", id: "search", placeholder: "Search ( / )", autocomplete: "off", spellcheck: "false", "aria-controls": "found" });
  const form = make("form", { role: "search" }, make("label", { for: "search", class: "unseen" }, "Search the documentation"), field);
  const said = make("p", { role: "status", "aria-live": "polite" }), list = make("ol", {});
  const found = make("section", { id: "found", "aria-label": "What the search finds" }, said, list);
  found.hidden = true;
  header.append(form);
  header.after(found);

  let index = null, asked = false;
  window.searchIndex = (passages) => {
    index = passages.map(([page, anchor, title, heading, text]) => ({ page, anchor, title, heading, text, name: (heading || title).toLowerCase(), low: text.toLowerCase() }));
    look();
  };
  const load = () => {
    if (asked) return;
    asked = true;
    const script = make("script", { src: "search-index.js" });
    script.addEventListener("error", () => { asked = false; script.remove(); said.textContent = "The index of the search cannot be loaded."; found.hidden = false; });
    document.head.append(script);
  };

  // Where a word begins in a text; a part of a word counts less.
  const begins = (text, word) => { for (let i = text.indexOf(word); i >= 0; i = text.indexOf(word, i + 1)) if (i === 0 || !/[\p{L}\p{N}]/u.test(text[i - 1]) || !/[\p{L}\p{N}]/u.test(word[0])) return i; return -1; };
  // Pages that have a word of everything, or repeat what another one explains.
  const weights = { "changelog.html": 0.25, "readme.html": 0.5, "reference.html": 0.5, "tour.html": 0.6, "contributing.html": 0.6, "json.html": 0.8 };
  const weigh = (p, words, whole) => {
    let sum = 0;
    for (const w of words) {
      const inText = p.low.indexOf(w), inName = p.name.indexOf(w), inTitle = p.title.toLowerCase().indexOf(w);
      if (inText < 0 && inName < 0 && inTitle < 0) return 0;
      const times = p.low.split(w).length - 1;
      sum += 8 * times / (times + 0.5 + p.low.length / 1500); // a short passage that says it often is about it
      sum += (begins(p.name, w) >= 0 ? 20 : inName >= 0 ? 6 : 0) + (inTitle >= 0 ? 4 : 0) + (begins(p.low, w) >= 0 ? 3 : inText >= 0 ? 1 : 0);
    }
    if (p.name === whole) sum += 60;
    else if (p.name.startsWith(whole)) sum += 10;
    if (!p.heading && begins(p.name, words[0]) >= 0) sum += 25 + 40 * whole.length / p.name.length; // a page about it, at its beginning
    if (words.length > 1 && p.low.includes(whole)) sum += 15;
    return sum * (weights[p.page] || 1);
  };
  // The text around the first word, with the words marked.
  const excerpt = (p, words) => {
    const at = Math.max(0, Math.min(...words.map((w) => { const i = begins(p.low, w); return i < 0 ? p.low.length : i; })));
    let from = Math.max(0, (at < p.low.length ? at : 0) - 60);
    if (from > 0) from = p.text.indexOf(" ", from) + 1;
    const text = p.text.slice(from, from + 190), low = text.toLowerCase(), out = make("p", {}, from > 0 ? "… " : "");
    for (let i = 0; i < text.length;) {
      let next = text.length, word = "";
      for (const w of words) { const n = low.indexOf(w, i); if (n >= 0 && (n < next || n === next && w.length > word.length)) { next = n; word = w; } }
      out.append(text.slice(i, next));
      if (word) out.append(make("mark", {}, text.slice(next, next + word.length)));
      i = next + word.length;
      if (!word) break;
    }
    if (from + 190 < p.text.length) out.append(" …");
    return out;
  };
  const look = () => {
    const whole = field.value.trim().toLowerCase().replace(/\s+/g, " "), words = [...new Set(whole.split(" ").filter(Boolean))];
    if (!words.length) { close(); return; }
    if (!index) { load(); return; }
    const hits = index.map((p) => [weigh(p, words, whole), p]).filter(([sum]) => sum > 0).sort((a, b) => b[0] - a[0]);
    list.replaceChildren(...hits.slice(0, most).map(([, p]) => make("li", {}, make("a", { href: p.page + (p.anchor ? "#" + p.anchor : "") }, p.heading ? p.title + " › " + p.heading : p.title), excerpt(p, words))));
    said.textContent = hits.length === 0 ? "Nothing has all of these words." : hits.length > most ? "The first " + most + " of " + hits.length + " passages." : hits.length === 1 ? "1 passage." : hits.length + " passages.";
    found.hidden = false;
    found.scrollTop = 0;
  };
  const close = () => { found.hidden = true; list.replaceChildren(); said.textContent = ""; };

  field.addEventListener("focus", load);
  field.addEventListener("input", look);
  form.addEventListener("submit", (e) => { e.preventDefault(); const first = list.querySelector("a"); if (first) first.click(); });
  const links = () => [...list.querySelectorAll("a")];
  addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const at = links().indexOf(document.activeElement), typing = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (e.key === "/" && !typing) { field.focus(); field.select(); e.preventDefault(); }
    if (e.key === "Escape" && !found.hidden) { field.value = ""; close(); field.focus(); }
    if (found.hidden || !(at >= 0 || document.activeElement === field)) return;
    if (e.key === "ArrowDown" && links()[at + 1]) { links()[at + 1].focus(); e.preventDefault(); }
    if (e.key === "ArrowUp" && at >= 0) { (links()[at - 1] || field).focus(); e.preventDefault(); }
  });
  // A passage of this very page is shown without a new page being loaded.
  list.addEventListener("click", (e) => { if (e.target.closest("a")) close(); });
})();

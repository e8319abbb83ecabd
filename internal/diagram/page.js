"use strict";
(() => {
  const root = document.documentElement, svg = document.querySelector(".picture"), sheet = document.querySelector(".sheet");
  const boxes = [...svg.querySelectorAll(".box[id]")], lines = [...svg.querySelectorAll(".line[data-from]")];
  const search = document.getElementById("search"), said = document.getElementById("said");
  const whole = svg.viewBox.baseVal, all = { x: whole.x, y: whole.y, w: whole.width, h: whole.height };
  root.classList.add("js");
  // What is seen: the place of the upper left corner, and pixels of the screen to one of the picture.
  let x = 0, y = 0, k = 1, fitted = true; // fitted: all of it, until somebody looks elsewhere
  const show = () => svg.setAttribute("viewBox", [x, y, sheet.clientWidth / k, sheet.clientHeight / k].join(" "));
  const fit = () => {
    k = Math.min(sheet.clientWidth / all.w, sheet.clientHeight / all.h, 1.5);
    x = all.x + all.w / 2 - sheet.clientWidth / k / 2;
    y = all.y + all.h / 2 - sheet.clientHeight / k / 2;
    show();
    fitted = true;
  };
  const zoom = (by, px = sheet.clientWidth / 2, py = sheet.clientHeight / 2) => {
    const to = Math.min(4, Math.max(0.03, k * by));
    x += px / k - px / to;
    y += py / k - py / to;
    k = to;
    fitted = false;
    show();
  };
  const move = (dx, dy) => { x -= dx / k; y -= dy / k; fitted = false; show(); };
  const centre = (box) => {
    const b = box.getBBox();
    k = Math.max(k, 0.9);
    fitted = false;
    x = b.x + b.width / 2 - sheet.clientWidth / k / 2;
    y = b.y + Math.min(b.height / 2, sheet.clientHeight / k / 2 - 20) - sheet.clientHeight / k / 2;
    show();
  };

  let found = [], at = -1;
  const fade = (keep) => {
    boxes.forEach((b) => b.classList.toggle("faded", keep !== null && !keep.has(b.id)));
    lines.forEach((l) => l.classList.toggle("faded", keep !== null && !(keep.has(l.dataset.from) && keep.has(l.dataset.to))));
    lines.forEach((l) => l.classList.remove("hot"));
  };
  const look = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const has = (text) => words.every((w) => text.toLowerCase().includes(w));
    at = -1;
    found = [];
    boxes.forEach((b) => {
      const rows = [...b.querySelectorAll(".row")];
      rows.forEach((r) => r.classList.toggle("hit", words.length > 0 && has(r.dataset.name)));
      const hit = words.length > 0 && (has(b.dataset.name) || rows.some((r) => has(r.dataset.name)));
      b.classList.toggle("hit", hit);
      if (hit) found.push(b);
    });
    // Whose own name it is comes first.
    found.sort((a, b) => has(b.dataset.name) - has(a.dataset.name));
    fade(words.length ? new Set(found.map((b) => b.id)) : null);
    document.querySelectorAll("nav li").forEach((li) => li.classList.toggle("away", words.length > 0 && !found.some((b) => "#" + b.id === li.firstElementChild.getAttribute("href"))));
    said.textContent = words.length ? found.length + " of " + boxes.length : "";
  };
  const next = (by) => {
    if (!found.length) return;
    at = (at + by + found.length) % found.length;
    centre(found[at]);
    said.textContent = at + 1 + " of " + found.length + " found";
  };
  const choose = (box) => {
    const keep = new Set([box.id]), own = lines.filter((l) => l.dataset.from === box.id || l.dataset.to === box.id);
    own.forEach((l) => { keep.add(l.dataset.from); keep.add(l.dataset.to); });
    fade(keep);
    lines.forEach((l) => { if (!own.includes(l)) l.classList.add("faded"); });
    own.forEach((l) => { l.classList.remove("faded"); l.classList.add("hot"); });
    said.textContent = box.dataset.name + ": " + own.length + (own.length === 1 ? " line" : " lines");
  };
  const clear = () => { search.value = ""; look(); };

  search.addEventListener("input", look);
  search.addEventListener("keydown", (e) => {
    if (e.key === "Enter") { next(e.shiftKey ? -1 : 1); e.preventDefault(); }
    if (e.key === "Escape") { clear(); search.blur(); }
    e.stopPropagation();
  });
  document.addEventListener("keydown", (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const box = document.activeElement && document.activeElement.closest(".box");
    const does = {
      "/": () => search.focus(), "+": () => zoom(1.25), "=": () => zoom(1.25), "-": () => zoom(0.8), "0": fit, Escape: clear,
      ArrowLeft: () => move(80, 0), ArrowRight: () => move(-80, 0), ArrowUp: () => move(0, 80), ArrowDown: () => move(0, -80),
      n: () => next(1), p: () => next(-1), Enter: box && (() => { choose(box); centre(box); }),
    }[e.key];
    if (does) { does(); e.preventDefault(); }
  });
  // Whoever goes from box to box by keyboard sees where they are.
  svg.addEventListener("focusin", (e) => { const b = e.target.closest(".box"); if (b && b.matches(":focus-visible")) centre(b); });
  document.querySelector("nav").addEventListener("click", (e) => {
    const a = e.target.closest("a");
    if (!a) return;
    e.preventDefault();
    const box = document.getElementById(a.getAttribute("href").slice(1));
    choose(box);
    centre(box);
  });
  const tools = { in: () => zoom(1.25), out: () => zoom(0.8), fit, theme: () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }, print: () => print() };
  for (const name in tools) document.getElementById(name).addEventListener("click", tools[name]);

  sheet.addEventListener("wheel", (e) => {
    e.preventDefault();
    const r = sheet.getBoundingClientRect();
    zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : 0.0016)), e.clientX - r.left, e.clientY - r.top);
  }, { passive: false });
  const down = new Map();
  let dragged = 0;
  svg.addEventListener("pointerdown", (e) => { if (e.button === 0) { down.set(e.pointerId, e); dragged = 0; } });
  addEventListener("pointermove", (e) => {
    const was = down.get(e.pointerId);
    if (!was) return;
    const other = [...down.values()].find((o) => o.pointerId !== e.pointerId);
    if (other) {
      const far = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY), r = sheet.getBoundingClientRect();
      zoom(far(e) / Math.max(1, far(was)), (e.clientX + other.clientX) / 2 - r.left, (e.clientY + other.clientY) / 2 - r.top);
    } else {
      move(e.clientX - was.clientX, e.clientY - was.clientY);
    }
    dragged += Math.abs(e.clientX - was.clientX) + Math.abs(e.clientY - was.clientY);
    svg.classList.toggle("dragged", dragged > 4);
    down.set(e.pointerId, e);
  });
  const up = (e) => { down.delete(e.pointerId); svg.classList.remove("dragged"); };
  addEventListener("pointerup", up);
  addEventListener("pointercancel", up);
  svg.addEventListener("click", (e) => {
    if (dragged > 4) return;
    const box = e.target.closest(".box");
    if (box) choose(box); else look();
  });
  addEventListener("resize", () => (fitted ? fit() : show()));
  // On paper the whole of it.
  addEventListener("beforeprint", () => svg.setAttribute("viewBox", [all.x, all.y, all.w, all.h].join(" ")));
  addEventListener("afterprint", show);
  fit();
  // A link to the page may ask for something: #q=film
  const asked = /^#q=(.*)$/.exec(location.hash);
  if (asked) { try { search.value = decodeURIComponent(asked[1]); } catch { search.value = asked[1]; } look(); next(1); }
})();

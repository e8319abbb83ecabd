"use strict";
// Keeps a page fresh: it is asked for again, and what differs takes the old
// one's place. Without it, the page is the same, as of when it was asked for.
(() => {
  const every = 2000, said = document.getElementById("said"), bar = document.querySelector(".bar");
  let stopped = false, timer = 0, lost = false;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "pause";
  bar.append(button);
  const label = () => { button.textContent = stopped ? "Go on" : "Pause"; button.title = stopped ? "Keep this page fresh again" : "Leave this page as it is"; };
  // Only what has changed is said: whoever listens hears of nothing else.
  const say = (text) => { if (said.textContent !== text) said.textContent = text; };
  // What somebody is marking, to copy it, stays until they are done.
  const inUse = (part) => { const s = getSelection(); return s && !s.isCollapsed && s.rangeCount > 0 && s.getRangeAt(0).intersectsNode(part); };
  const place = (part) => {
    const at = document.activeElement;
    if (!part.contains(at)) return () => {};
    const href = at.getAttribute("href"), n = [...part.querySelectorAll(at.tagName)].indexOf(at);
    return (fresh) => {
      const same = [...fresh.querySelectorAll(at.tagName)];
      const to = same.find((e) => href !== null && e.getAttribute("href") === href) || same[n];
      if (to) to.focus({ preventScroll: true });
    };
  };
  const take = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    for (const part of document.querySelectorAll("[data-live]")) {
      const to = fresh.getElementById(part.id);
      if (!to || to.isEqualNode(part) || inUse(part)) continue;
      const opened = [...part.querySelectorAll("details")].map((d) => d.open);
      to.querySelectorAll("details").forEach((d, i) => { d.open = opened[i] || false; });
      const back = place(part);
      part.replaceWith(to);
      back(to);
    }
    const foot = fresh.querySelector("footer");
    if (foot) document.querySelector("footer").replaceWith(foot);
    const words = fresh.getElementById("said");
    if (words) say(words.textContent);
  };
  const look = async () => {
    clearTimeout(timer);
    if (stopped) return;
    if (!document.hidden) {
      try {
        const answer = await fetch(location.href, { cache: "no-store", credentials: "omit" });
        const text = await answer.text();
        if (answer.ok && !stopped) { take(text); if (lost) { lost = false; document.body.classList.remove("lost"); } }
      } catch {
        lost = true;
        document.body.classList.add("lost");
        say("No answer from dbwarden ui: it may have ended. What is shown is not of now.");
      }
    }
    timer = setTimeout(look, every);
  };
  button.addEventListener("click", () => { stopped = !stopped; label(); look(); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden) look(); });
  label();
  timer = setTimeout(look, every);
})();

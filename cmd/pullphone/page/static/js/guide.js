// The guide: what to do next in the guided minute, or what can be tried after it.
import { html, render } from "./lit.js";
import { spoken } from "./microphone.js";
import { tell } from "./news.js";
import { play } from "./play.js";
import { choose, state } from "./state.js";
import { begin, quiet, step, tidy, titles, tour } from "./steps.js";

let told = ""; // what a screen reader was told last

// takeUp goes on with the tour where this tab was before it was loaded anew. Otherwise it begins, unless somebody plays here.
export function takeUp() {
  const now = state.world.run;
  const { run, caller, said, ...rest } = kept();
  if (run === now) {
    choose({ caller });
    for (const [sid, seconds] of said) spoken.set(sid, seconds);
    Object.assign(tour, rest);
  } else {
    tour.on = quiet();
  }
  addEventListener("pagehide", () => {
    sessionStorage.setItem("tour", JSON.stringify({ run: now, caller: state.caller, said: [...spoken], ...tour }));
  });
}

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem("tour")) ?? {};
  } catch {
    return {}; // the visitor lets no page keep anything
  }
}

export function drawGuide(place) {
  const now = tour.on ? step() : undefined;
  if (now && now.say !== told) {
    told = now.say;
    tell(`Step ${now.n + 1} of ${titles.length}: ${now.say}`);
  }
  render(!tour.on ? play(again) : now ? next(now) : ending(), place);
  mark(now);
}

function next(now) {
  return html`<div class="tour">
    <p class="count">Step ${now.n + 1} of ${titles.length}</p>
    <h2 id="guide-title">${titles[now.n]}</h2>
    <p class="say">${now.say}</p>
    ${dots(now.n)}
    <div class="choices">
      <button type="button" class="first" ?disabled=${!now.at} @click=${show}>Show me</button>
      <button type="button" @click=${skip}>Skip the tour</button>
    </div>
  </div>`;
}

function dots(n) {
  const state = (i) => (i < n ? "done" : i === n ? "now" : "later");
  return html`<ol class="dots" aria-hidden="true">${titles.map((_, i) => html`<li data-state=${state(i)}></li>`)}</ol>`;
}

function ending() {
  return html`<div class="tour">
    <p class="count">That was it</p>
    <h2 id="guide-title">Now play</h2>
    <p class="say">The server is the real one; this page plays Twilio and Slack. Now call from several phones, or break something and
      watch it mend.</p>
    ${dots(titles.length)}
    <div class="choices"><button type="button" class="first" data-do="free" @click=${skip}>Play freely</button></div>
  </div>`;
}

function skip() {
  tour.on = false;
  choose({});
}

function again() {
  told = "";
  begin();
  choose({});
  tidy();
}

// target finds what is to be pressed: it may be on the mobile of somebody else than the one that is held.
function target(now) {
  if (!now?.at) return null;
  if (now.person && now.person !== state.person) return document.querySelector(`[data-do="person-${now.person}"]`);
  const all = document.querySelectorAll(`[data-do="${now.at}"]`);
  return all[all.length - 1] ?? (now.at.startsWith("team-") ? document.querySelector(".round.plain, .back") : null);
}

// mark rings what is to be pressed next.
function mark(now) {
  const next = target(now);
  for (const old of document.querySelectorAll("[data-next]")) if (old !== next) old.removeAttribute("data-next");
  next?.setAttribute("data-next", "");
}

// show brings what is to be pressed next into sight and gives it the focus.
function show() {
  const next = document.querySelector("[data-next]");
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  next?.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
  (next?.querySelector("input") ?? next)?.focus({ preventScroll: true });
}

// The page: it hears the server's events and draws the four places.
import { drawCaller } from "./caller.js";
import { callerNow } from "./calls.js";
import { listen } from "./events.js";
import { drawFlow } from "./flow.js";
import { drawGuide, takeUp } from "./guide.js";
import { attend, breathe } from "./microphone.js";
import { news } from "./news.js";
import { drawSlack } from "./slack.js";
import { hear } from "./sound.js";
import { onDraw, redraw, state } from "./state.js";
import { drawTeam } from "./team.js";
import { drawTop } from "./top.js";
import { drawWire } from "./wire.js";

const place = (id) => document.getElementById(id);

onDraw(() => {
  const focus = document.activeElement;
  const where = focus?.closest("section");
  drawTop(place("top"));
  if (!state.world) return;
  hear();
  attend(callerNow().call);
  drawCaller(place("caller"));
  drawTeam(place("team"));
  drawSlack(place("slack"));
  drawWire(place("wire"));
  drawFlow(place("flow"));
  drawGuide(place("guide"));
  stick();
  if (where && (!focus.isConnected || focus.disabled)) keepFocus(where);
});

// keepFocus finds a new place for the focus when what had it has gone: the next thing to do there.
function keepFocus(where) {
  const next = {
    caller: "[data-next], .calling button",
    team: "[data-next], .round.go, .keypad button:not(:disabled), .field input",
    slack: ".messages",
    wire: ".lines",
    guide: "button:not(:disabled)",
  }[where.id];
  where.querySelector(next)?.focus({ preventScroll: true });
}

// stick keeps lists at their newest entry, unless somebody has scrolled away from it.
function stick() {
  for (const list of document.querySelectorAll("[data-stick]")) {
    if (list.dataset.stick === list.dataset.stuck) continue;
    const other = list.dataset.stuck?.split(" ")[0] !== list.dataset.stick.split(" ")[0];
    list.dataset.stuck = list.dataset.stick;
    if (other || list.dataset.away !== "true") list.scrollTop = list.scrollHeight;
    list.onscroll ??= () => (list.dataset.away = list.scrollHeight - list.scrollTop - list.clientHeight > 40);
  }
}

listen((before, world) => {
  if (before && before.run !== world.run) location.reload(); // another demo answers at this address now
  state.caller ||= world.callers[0].phone;
  state.person ||= world.team[0].name;
  state.me ||= world.team[0].slack;
  if (!before) takeUp();
  news();
});
addEventListener("resize", () => {
  for (const list of document.querySelectorAll("[data-stuck]")) delete list.dataset.stuck;
  redraw();
});
setInterval(() => state.world && breathe(callerNow().call), 2000);
setInterval(redraw, 1000); // the times that are shown
redraw();

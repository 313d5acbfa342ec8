// Free play: what can be tried besides calling, and what to watch when it is.
import { html } from "./lit.js";
import { act } from "./act.js";
import { hangUpAll } from "./phone.js";
import { choose, state } from "./state.js";

let awaited = false; // the server is being started
let watch = "Call from several phones, answer by text, in Slack or with /pull, or break something and watch it mend.";

// play draws the buttons; again begins the tour.
export function play(again) {
  const { faults, server, team } = state.world;
  if (awaited && server.state === "up") {
    awaited = false;
    watch = "The server is back, and asks Twilio what it missed. Who waited waits on, and can be taken.";
  }
  const busy = server.state === "starting";
  const away = team.at(-1).name;
  return html`<div class="play">
    <h2 id="guide-title">Try this</h2>
    <div class="choices">
      ${button("many", "Three callers at once", () => act("many"),
        "Three calls wait. A bare Yes is asked back, never guessed; Y 2 names one. Whoever waits behind another is told so.")}
      ${button("away", `${away} never answers`, () => nobodyPicksUp(away),
        `${away} takes the call, and the mobile rings in vain. Watch the caller come back to the same place in the queue, announced again with the reason.`)}
      ${toggle("slack", "Slack is down", faults.slack, () => act("fault", { what: "slack", down: !faults.slack }),
        "Slack answers 503. Texts and calls go on. Bring it back: each message then shows how its call stands, once.",
        "Slack is back. What it missed is drawn once, at its newest.")}
      ${toggle("sms", "SMS is down", faults.sms, () => act("fault", { what: "sms", down: !faults.sms }),
        "Twilio takes no text. Slack and calls go on. Let somebody call, then bring SMS back within half a minute.",
        "SMS is back. What is still worth saying is sent now.")}
      <button type="button" data-do="server" ?disabled=${busy} @click=${killOrStart}>
        ${server.state === "down" ? "Start the server" : busy ? "Server starts…" : "Kill the server"}</button>
      ${button("reset", "Hang everybody up", hangUpAll, "Every call has ended, and Slack shows how.")}
      <button type="button" class="quiet" data-do="tour" @click=${again}>Take the tour</button>
    </div>
    <p class="say">${server.trouble ? `The server has failed: ${server.trouble}` : watch}</p>
  </div>`;
}

function button(name, label, press, text) {
  return html`<button type="button" data-do=${name} @click=${async () => (await press()) && explain(text)}>${label}</button>`;
}

function toggle(name, label, down, press, during, after) {
  const pressed = async () => (await press()) && explain(down ? after : during);
  return html`<button type="button" data-do=${name} aria-pressed=${down} @click=${pressed}>${label}</button>`;
}

// nobodyPicksUp shows the mobile that is to ring.
async function nobodyPicksUp(name) {
  choose({ person: name });
  return act("away", { name });
}

async function killOrStart() {
  const down = state.world.server.state === "down";
  if (!(await act("server", { do: down ? "start" : "kill" }))) return;
  awaited = down;
  explain(down
    ? "The server starts."
    : "kill -9. Callers on hold keep their music, a text you send now is heard later, and who calls now hears the fallback. Start it again.");
}

function explain(text) {
  watch = text;
  choose({});
}

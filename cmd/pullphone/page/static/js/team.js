// The teammates' mobiles: texts with the line, and calls from it.
import { html, nothing, render, repeat } from "./lit.js";
import { act } from "./act.js";
import { clock, lasts, liveLeg, personNow } from "./calls.js";
import { bubble, handset, hungUp, sendUp } from "./icons.js";
import { button, captions, chooser, frame, hangUp, heading, keypad } from "./phone.js";
import { choose, state } from "./state.js";

const read = new Map(); // how many texts of each person were on the screen
let texting = ""; // SID of the call during which the texts are shown

export function drawTeam(place) {
  const me = personNow();
  const leg = liveLeg(me);
  const talking = Boolean(leg?.answered) && texting !== leg.sid;
  if (!talking) read.set(me.name, me.texts.length);
  render(html`
    ${heading("team", "The team’s mobiles", me.shown, "team")}
    ${chooser("person", "Whose mobile you hold", state.world.team.map(choice), me.name, (name) => choose({ person: name, ear: "team" }))}
    ${frame("team", `${me.name}’s mobile`, talking ? inCall(me, leg) : texts(me, leg))}
  `, place);
}

function choice(p) {
  const leg = liveLeg(p);
  const unread = p.name === state.person ? 0 : p.texts.length - (read.get(p.name) ?? 0);
  const news = unread === 1 ? "1 new text" : unread > 1 ? `${unread} new texts` : "";
  if (!leg) return { id: p.name, name: p.name, badge: unread || "", say: news };
  if (leg.answered) return { id: p.name, name: p.name, tone: "talk", say: "on the phone" };
  return { id: p.name, name: p.name, tone: "ring", say: "phone rings" };
}

function inCall(me, leg) {
  const how = leg.place === "bridged" ? "Talking" : leg.keys ? "Asks for a key" : "On the phone";
  return html`
    <div class="card">
      <p class="line">${state.world.line.name}</p>
      <p class="number">${leg.shown}</p>
      <p class="how" data-stage=${leg.place === "bridged" ? "talking" : "ringing"}>${how} · <span class="time">${lasts(leg.answered)}</span></p>
    </div>
    ${captions(leg, `What ${me.name} hears`)}
    ${keypad(leg, "team")}
    <div class="calling">
      ${button("plain", "texts", bubble(), "Texts", () => show(leg.sid))}
      ${button("stop", "team-hangup", hungUp(), "Hang up", () => hangUp(leg))}
    </div>`;
}

function show(sid) {
  texting = sid;
  choose({});
}

function texts(me, leg) {
  const line = state.world.line.name;
  return html`
    <div class="card small">
      <p class="line">${line}</p>
      <p class="number">${state.world.line.shown} · texts</p>
      <button type="button" class="dial" data-do="team-call" ?disabled=${Boolean(leg)} @click=${() => act("call", { phone: me.phone })}
        aria-label="Call ${line} from ${me.name}’s mobile">${handset()}</button>
    </div>
    ${leg?.answered
      ? html`<button type="button" class="back" @click=${() => show("")}>Back to the call · <span class="time">${lasts(leg.answered)}</span></button>`
      : nothing}
    <ol class="texts" aria-label="${me.name}’s texts with ${line}" tabindex="0" data-stick="${me.name} ${me.texts.length}">
      ${me.texts.length ? nothing : html`<li class="empty">Texts about waiting callers come here.</li>`}
      ${repeat(me.texts, (t) => t.id, (t) => html`<li class=${t.mine ? "mine" : "theirs"}>
        <span class="unseen">${t.mine ? me.name : line}:</span>
        <p>${t.body}</p>
        ${t.failed ? html`<p class="failed">${t.failed}</p>` : html`<time datetime=${t.at}>${clock(t.at)}</time>`}
      </li>`)}
    </ol>
    ${leg && !leg.answered ? ringing(me, leg) : nothing}
    ${repeat([me], (m) => m.name, write)}`;
}

// write is each mobile's own: what stands in its field is sent from no other.
function write(me) {
  const line = state.world.line.name;
  return html`<form class="write" @submit=${(e) => send(e, me)}>
    <div class="quick" role="group" aria-label="Quick answers">
      ${["Yes", "No", "List"].map((word) => html`<button type="button" data-do="text-${word}"
        @click=${() => text(me, word)}>${word}</button>`)}
    </div>
    <div class="field">
      <input name="body" autocomplete="off" enterkeyhint="send" maxlength="480" placeholder="Text ${line}"
        aria-label="Text from ${me.name} to ${line}">
      <button type="submit" class="send" aria-label="Send the text">${sendUp()}</button>
    </div>
  </form>`;
}

// ringing lies over the texts, so that whoever types goes on typing.
function ringing(me, leg) {
  return html`<div class="ringing" role="group" aria-label="${me.name}’s mobile rings">
    <div><p class="line">${state.world.line.name}</p><p class="number">${leg.shown} is calling</p></div>
    ${button("stop", "decline", hungUp(), "Decline", () => act("decline", { sid: leg.sid }))}
    ${button("go", "accept", handset(), "Accept", () => act("answer", { sid: leg.sid }))}
  </div>`;
}

const text = (me, body) => act("text", { name: me.name, body });

async function send(event, me) {
  event.preventDefault();
  const field = event.target.elements.body;
  const body = field.value.trim();
  if (body && (await text(me, body))) field.value = "";
}

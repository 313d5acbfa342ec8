// What a screen reader is told of by itself: what is new at the phones the visitor has chosen, and in the channel.
import { callerNow, called, incoming, live, liveLeg, personNow } from "./calls.js";
import { spoken } from "./mrkdwn.js";
import { state } from "./state.js";

let before; // what was there at the last look
let waiting = [];
let timer;

// tell says something politely; what comes at once is said together.
export function tell(text) {
  waiting.push(text);
  clearTimeout(timer);
  timer = setTimeout(() => {
    document.getElementById("news").textContent = waiting.join(" ");
    waiting = [];
  }, 300);
}

// news compares the picture with the last one.
export function news() {
  const caller = callerNow();
  const person = personNow();
  const leg = liveLeg(person);
  const now = {
    caller: caller.phone,
    call: caller.call,
    person: person.name,
    texts: person.texts.length,
    leg,
    messages: new Map(state.world.slack.messages.map((m) => [m.ts, m.text])),
    own: state.world.slack.private?.[state.me]?.length ?? 0,
    me: state.me,
    server: state.world.server.state,
  };
  if (before) compare(before, now, caller, person);
  before = now;
}

function compare(was, is, caller, person) {
  if (was.caller === is.caller) heardSince(was.call, is.call, called(caller));
  if (was.person === is.person) {
    heardSince(was.leg, is.leg, person.name);
    for (const t of person.texts.slice(was.texts)) if (!t.mine) tell(`Text to ${person.name}: ${t.body}`);
    if (incoming(is.leg) && was.leg?.sid !== is.leg.sid) tell(`${person.name}’s mobile rings.`);
    if (was.leg && !is.leg) tell(`${person.name}’s call is over.`);
  }
  for (const m of state.world.slack.messages) {
    if (was.messages.get(m.ts) !== m.text) tell(`Slack: ${spoken(m.text)}`);
  }
  if (was.me === is.me) for (const m of (state.world.slack.private?.[is.me] ?? []).slice(was.own)) tell(`Slack, only to you: ${spoken(m.text)}`);
  if (was.server !== is.server) tell(`The pullphone server is ${is.server}.`);
}

function heardSince(was, is, who) {
  if (!is) return;
  const old = was?.sid === is.sid ? was.heard.length : 0;
  for (const h of is.heard.slice(old)) {
    if (h.kind === "say") tell(`${who} hears: ${h.text}`);
    if (h.kind === "play") tell(`${who} hears music.`);
    if (h.kind === "beep") tell("Beep.");
    if (h.kind === "bridge") tell(`${who} is connected.`);
  }
  if (live(was) && !live(is) && was.sid === is.sid) tell(`${who}’s call is over.`);
}

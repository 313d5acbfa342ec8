// The caller's phone.
import { html, nothing, render } from "./lit.js";
import { act } from "./act.js";
import { called, callerNow, incoming, lasts, live, story } from "./calls.js";
import { handset, hungUp, microphone, speaker } from "./icons.js";
import { recording, record, spoken, stop } from "./microphone.js";
import { button, captions, chooser, frame, hangUp, heading, keypad } from "./phone.js";
import { playSample } from "./sound.js";
import { choose, state } from "./state.js";

export function drawCaller(place) {
  const me = callerNow();
  const call = me.call;
  const tale = story(me);
  render(html`
    ${heading("caller", "The caller’s phone", me.city ? `${me.shown}, ${me.city}` : me.shown, "caller")}
    ${chooser("caller", "Which caller you are", state.world.callers.map(choice), me.phone, (phone) => choose({ caller: phone, ear: "caller" }))}
    ${frame("caller", `Phone of ${called(me)}`, html`
      <div class="card">
        <p class="line">${state.world.line.name}</p>
        <p class="number">${state.world.line.shown}</p>
        <p class="how" data-stage=${tale.stage}>${tale.text}${tale.since ? html` · <span class="time">${lasts(tale.since)}</span>` : nothing}</p>
      </div>
      ${captions(call, `What ${called(me)} hears`)}
      ${live(call) && call.place === "recording" ? recorder(call) : keypad(call, "caller")}
      <div class="calling">${buttons(me, call)}</div>`)}
  `, place);
}

function choice(c) {
  const { stage, text } = story(c);
  const tone = { hold: "wait", greeted: "wait", ringing: "ring", talking: "talk", recording: "talk" }[stage];
  return { id: c.phone, name: called(c), tone, say: tone && text };
}

function buttons(me, call) {
  if (incoming(call)) {
    return html`${button("go", "caller-accept", handset(), "Accept", () => act("answer", { sid: call.sid }))}
      ${button("stop", "caller-decline", hungUp(), "Decline", () => act("decline", { sid: call.sid }))}`;
  }
  if (live(call)) return button("stop", "caller-hangup", hungUp(), "Hang up", () => leave(call));
  return button("go", "call", handset(), "Call", () => act("call", { phone: me.phone }));
}

// leave hangs up, once what is being said is on the line.
async function leave(call) {
  await stop();
  return hangUp(call);
}

// recorder stands where the keypad was while the line listens for a message.
function recorder(call) {
  const seconds = spoken.get(call.sid);
  if (recording.sid === call.sid) {
    return html`<div class="recorder" role="group" aria-label="Your message">
      <p>Speak now · <span class="time">${lasts(recording.since)}</span></p>
      <progress max="1" .value=${recording.level} aria-label="How loud you are"></progress>
      <button type="button" class="wide" @click=${stop}>Done</button>
    </div>`;
  }
  return html`<div class="recorder" role="group" aria-label="Your message">
    <p>${seconds ? `Your message of ${seconds} seconds is on the line. Hang up to leave it.` : "The line records. Say something after the tone."}</p>
    <button type="button" class="wide" data-do="sample" @click=${() => sample(call)}>${speaker()} Play a sample message</button>
    <button type="button" class="wide" @click=${() => record(call)}>${microphone()} Use your microphone</button>
  </div>`;
}

async function sample(call) {
  if (await act("speak", { sid: call.sid, seconds: 1 })) {
    spoken.set(call.sid, 5);
    choose({});
    playSample();
  }
}

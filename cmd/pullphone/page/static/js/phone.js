// What the caller's phone and the mobiles have in common: its frame, who can be chosen, what is heard, and the keypad.
import { html, nothing, repeat } from "./lit.js";
import { act } from "./act.js";
import { incoming, live, partner } from "./calls.js";
import { note, speaker } from "./icons.js";
import { stop } from "./microphone.js";
import { choose, state } from "./state.js";

// heading stands above one of the four places. note is of whom the phone is, and ear which of the two it is.
export function heading(id, title, note = "", ear = "") {
  const heard = ear && state.sound && state.ear === ear;
  return html`<header class="head">
    <h2 id="${id}-title">${title}</h2>
    <p class="note">${heard ? html`<span class="ear">${speaker()}<span class="unseen">You hear this one.</span></span>` : nothing} ${note}</p>
  </header>`;
}

// chooser lets the visitor choose one of several people. Each is {id, name, badge, tone, say}: badge is a short mark on
// the picture, say what a screen reader says of it.
export function chooser(group, label, people, chosen, pick) {
  return html`<fieldset class="people">
    <legend class="unseen">${label}</legend>
    ${repeat(people, (p) => p.id, (p) => {
      const [first, ...rest] = p.name.split(" ");
      return html`<label class="who" data-do="${group}-${p.id}">
        <input class="unseen" type="radio" name=${group} value=${p.id} .checked=${p.id === chosen} @change=${() => pick(p.id)}>
        <span class="face" data-tone=${p.tone ?? nothing}>${initials(p.name)}${p.badge
          ? html`<span class="badge" aria-hidden="true">${p.badge}</span>`
          : nothing}</span>
        <span class="of">${first}<span class="unseen">${rest.map((word) => ` ${word}`)}${p.say ? `, ${p.say}` : ""}</span></span>
      </label>`;
    })}
  </fieldset>`;
}

function initials(name) {
  const words = name.split(/[\s,]+/).filter(Boolean);
  return words.slice(0, 2).map((w) => [...w][0].toUpperCase()).join("");
}

// frame is the phone around a screen. Whoever touches it hears it.
export function frame(ear, name, screen) {
  const hear = () => state.ear === ear || choose({ ear });
  return html`<div class="phone" @pointerdown=${hear} @focusin=${hear} @keydown=${typeKey}>
    <div class="screen" role="group" aria-label=${name}>${screen}</div>
  </div>`;
}

// typeKey lets whoever is at a phone, and not in a text, use the keyboard's own digits.
function typeKey(event) {
  if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = [...event.currentTarget.querySelectorAll(".keypad button")].find((b) => b.dataset.do.endsWith(`-key-${event.key}`));
  key?.click();
}

const shown = 40; // captions: an hour of music has many

// button is a round one below a screen. kind is its colour: go, stop or plain.
export function button(kind, name, icon, label, press) {
  return html`<button type="button" class="round ${kind}" data-do=${name} @click=${press}>${icon}<span>${label}</span></button>`;
}

// captions are what a phone has heard.
export function captions(leg, label) {
  const last = leg ? leg.heard.slice(-shown) : [];
  return html`<ol class="captions" aria-label=${label} tabindex="0" data-stick=${leg ? `${leg.sid} ${leg.heard.length}` : ""}>
    ${last.length ? nothing : html`<li class="empty">What is heard here is written here.</li>`}
    ${repeat(last, (h) => `${leg.sid} ${h.n}`, (h) => html`<li data-kind=${h.kind}>${caption(h, leg, h === last.at(-1))}</li>`)}
  </ol>`;
}

function caption(h, leg, last) {
  switch (h.kind) {
    case "say":
      return h.text;
    case "play":
      return html`${note()} ${last && leg.place === "queue" ? "Hold music plays" : "Music"}`;
    case "beep":
      return "Beep";
    case "ring":
      return last ? `Ringing at ${partner(leg)?.person.name ?? h.text}` : "Ringing";
    case "bridge":
      return "Connected: now they talk";
    case "reject":
      return "Busy tone";
  }
  return `An error is announced: ${h.text}`;
}

const letters = ["", "ABC", "DEF", "GHI", "JKL", "MNO", "PQRS", "TUV", "WXYZ", "", "", ""];

// keypad presses keys in a call; without one it is only a picture.
export function keypad(leg, group) {
  const on = live(leg) && !incoming(leg);
  return html`<div class="keypad" role="group" aria-label="Keypad" data-keys=${Boolean(leg?.keys)}>
    ${[..."123456789*0#"].map((k, i) => html`<button type="button" ?disabled=${!on} data-do="${group}-key-${k}"
      aria-label=${named[k] ?? nothing} @click=${() => act("press", { sid: leg.sid, keys: k })}>
      <b>${k}</b><small aria-hidden="true">${letters[i]}</small></button>`)}
  </div>`;
}

const named = { "*": "star", "#": "pound" };

// hangUp ends a call from this phone.
export const hangUp = (leg) => act("hangup", { sid: leg.sid });

// hangUpAll ends every call, once what is being said into the microphone is on the line.
export async function hangUpAll() {
  await stop();
  return act("reset");
}

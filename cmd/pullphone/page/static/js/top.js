// The head of the page: whose line it is, how the server does, and the sound.
import { html, render } from "./lit.js";
import { muted, speaker } from "./icons.js";
import { setSound } from "./sound.js";
import { state } from "./state.js";

const words = { up: "Server runs", starting: "Server starts", down: "Server is down" };

export function drawTop(place) {
  const how = state.online ? (state.world?.server.state ?? "starting") : "lost";
  render(html`
    <h1><img src="/icon.svg" alt="" width="32" height="32"> pullphone</h1>
    <p class="pitch">Callers wait, the team is told, the first answer wins.</p>
    <p class="server" data-state=${how}><span class="dot"></span>${words[how] ?? "Connecting…"}</p>
    <button type="button" class="sound" data-do="sound" aria-pressed=${state.sound} @click=${() => setSound(!state.sound)}>
      ${state.sound ? speaker() : muted()}<span class="word">Sound</span>
    </button>
  `, place);
}

// Where the call of the chosen caller is, at a glance.
import { html, nothing, render } from "./lit.js";
import { called, callerNow, heard, lasts, story } from "./calls.js";

const names = { greeted: "Calls", hold: "On hold", ringing: "Being put through", talking: "Talking", recording: "Voicemail" };

export function drawFlow(place) {
  const me = callerNow();
  const tale = story(me);
  const been = (kind) => Boolean(me.call && heard(me.call, kind));
  const last = tale.stage === "recording" || (been("beep") && !been("bridge")) ? "recording" : "talking";
  const reached = { greeted: Boolean(me.call), hold: been("play"), ringing: been("ring"), talking: been("bridge"), recording: been("beep") };
  const over = tale.stage === "ended" || tale.stage === "idle";
  render(html`
    <p class="name">${called(me)}</p>
    <ol>${["greeted", "hold", "ringing", last].map((s) => {
      const now = s === tale.stage;
      return html`<li data-state=${now ? "now" : reached[s] ? "done" : "later"} aria-current=${now ? "step" : nothing}>
        <span class="dot"></span>
        <span class="text">${now ? html`${tale.text}${tale.since ? html` <span class="time">${lasts(tale.since)}</span>` : nothing}` : names[s]}</span>
      </li>`;
    })}</ol>
    <p class="end" data-state=${tale.stage === "ended" ? "now" : "later"}>${over ? tale.text : ""}</p>
  `, place);
}

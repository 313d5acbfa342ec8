// The timeline: what went over the wire between pullphone and the outside, each line with its real request.
import { html, nothing, render, repeat } from "./lit.js";
import { called } from "./calls.js";
import { heading } from "./phone.js";
import { choose, state } from "./state.js";

const ways = {
  "twilio→us": { from: "Twilio", to: "pullphone", tone: "twilio" },
  "us→twilio": { from: "pullphone", to: "Twilio", tone: "twilio" },
  "slack→us": { from: "Slack", to: "pullphone", tone: "slack" },
  "us→slack": { from: "pullphone", to: "Slack", tone: "slack" },
};

let only = ""; // SID of the call that is shown alone

export function drawWire(place) {
  const names = calls();
  if (only && !names.has(only)) only = "";
  const lines = only ? state.wire.filter((l) => l.call === only) : state.wire;
  render(html`
    ${heading("wire", "What goes over the wire")}
    <div class="window">
      <div class="filter">
        <label for="wire-call">Show</label>
        <select id="wire-call" @change=${(e) => { only = e.target.value; choose({}); }}>
          <option value="" .selected=${!only}>everything</option>
          ${repeat([...names], ([sid]) => sid, ([sid, name]) => html`<option value=${sid} .selected=${sid === only}>${name}</option>`)}
        </select>
        <span class="count">${lines.length} ${lines.length === 1 ? "line" : "lines"}</span>
      </div>
      <ol class="lines" aria-label="Requests and answers" tabindex="0" data-stick="${only} ${lines.at(-1)?.n}">
        ${lines.length ? nothing : html`<li class="empty">Every request between Twilio, Slack and pullphone comes here: webhooks in,
          TwiML out, REST out. Open a line to read it whole.</li>`}
        ${repeat(lines, (l) => `${l.n} ${l.at}`, line)}
      </ol>
    </div>
  `, place);
}

function line(l) {
  const way = ways[l.way] ?? { from: l.way, to: "", tone: "" };
  const bad = l.status && !/^2/.test(l.status);
  return html`<li class="line" data-tone=${way.tone} data-in=${way.to === "pullphone"}>
    <details>
      <summary>
        <span class="way"><span>${way.from}</span> <span class="arrow" aria-hidden="true">→</span> <span>${way.to}</span></span>
        <time datetime=${l.at}>${(l.time ??= precise.format(new Date(l.at)))}</time>
        <span class="what">${brief(l.summary)}${bad ? html` <span class="bad">${l.status}</span>` : nothing}</span>
      </summary>
      <pre tabindex="0" role="group" aria-label="In full">${(l.full ??= readable(l.text) || "(empty)")}</pre>
    </details>
  </li>`;
}

// readable breaks XML and JSON into lines; nothing else of them is changed.
function readable(text) {
  if (text.startsWith("{")) {
    try {
      return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      return text; // cut, or followed by something
    }
  }
  if (!text.startsWith("<?xml")) return text;
  let depth = 0;
  return text.replace(/></g, ">\n<").split("\n").map((line) => {
    if (line.startsWith("</")) depth--;
    const indented = "  ".repeat(depth) + line;
    if (/^<[^?/]/.test(line) && !/\/>$|<\/[^>]+>$/.test(line)) depth++;
    return indented;
  }).join("\n");
}

// brief leaves out of a summary what is the same everywhere, and most of long IDs.
const brief = (s) => s.replace(/\/2010-04-01\/Accounts\/AC\w+/, "").replace(/\b([A-Z]{2})[0-9a-f]{29,}(?=[0-9a-f]{3}\b)/g, "$1…");

const precise = new Intl.DateTimeFormat([], { minute: "2-digit", second: "2-digit", fractionalSecondDigits: 2 });

// calls are those of the timeline, by the caller's CallSid.
function calls() {
  const names = new Map();
  for (const { call } of state.wire) {
    if (!call || names.has(call)) continue;
    const caller = state.world.callers.find((c) => c.call?.sid === call);
    names.set(call, `call ${names.size + 1}${caller ? `, ${called(caller)}` : ""}`);
  }
  return names;
}

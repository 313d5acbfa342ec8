// The Slack workspace: the line's channel as one of the team sees it.
import { html, nothing, render, repeat } from "./lit.js";
import { act } from "./act.js";
import { blocks } from "./blocks.js";
import { clock } from "./calls.js";
import { eye, sendUp } from "./icons.js";
import { mrkdwn } from "./mrkdwn.js";
import { heading } from "./phone.js";
import { choose, state } from "./state.js";

let tab = "channel"; // or "home"

export function drawSlack(place) {
  const { channel, homes } = state.world.slack;
  const me = state.world.team.find((p) => p.slack === state.me);
  const home = homes?.[state.me];
  if (!home) tab = "channel";
  render(html`
    ${heading("slack", "The Slack channel")}
    <div class="window">
      <header class="channel">
        <p class="name"># ${channel.name}</p>
        ${home ? html`<button type="button" class="tab" aria-pressed=${tab === "home"} @click=${toggle}>Home</button>` : nothing}
        <fieldset class="as">
          <legend>You are</legend>
          ${state.world.team.map((p) => html`<label><input class="unseen" type="radio" name="me" value=${p.slack}
            .checked=${p.slack === state.me} @change=${() => choose({ me: p.slack })}><span>${p.name}</span></label>`)}
        </fieldset>
      </header>
      ${tab === "home" ? homeOf(me, home) : messages()}
      <form class="write" @submit=${(e) => command(e)}>
        <div class="field">
          <span class="slash" aria-hidden="true">/pull</span>
          <input name="text" autocomplete="off" enterkeyhint="send" maxlength="480" placeholder="list · help · or nothing"
            aria-label="Slash command of ${me.name}: what follows /pull">
          <button type="submit" class="send" aria-label="Send /pull">${sendUp()}</button>
        </div>
      </form>
    </div>
  `, place);
}

function homeOf(me, home) {
  return html`<div class="messages home" tabindex="0" role="group" aria-label="App Home of ${me.name}">
    ${blocks(home.blocks, (id) => act("homebutton", { user: state.me, action_id: id }))}
  </div>`;
}

function toggle() {
  tab = tab === "home" ? "channel" : "home";
  if (tab === "home") act("home", { user: state.me });
  choose({});
}

async function command(event) {
  event.preventDefault();
  const field = event.target.elements.text;
  const text = field.value.trim().replace(/^\/pull\s*/, "");
  if (await act("command", { user: state.me, text })) field.value = "";
}

// messages are the channel's, with those that only the reader sees where they came.
function messages() {
  const own = (state.world.slack.private?.[state.me] ?? []).map((m) => ({ ...m, mine: true }));
  const all = [...state.world.slack.messages, ...own].sort((a, b) => Number(a.ts) - Number(b.ts));
  const top = all.filter((m) => !m.thread || m.thread === m.ts);
  return html`<ol class="messages" aria-label="Messages in #${state.world.slack.channel.name}" tabindex="0"
    data-stick="${state.me} ${all.length} ${all.at(-1)?.ts}">
    ${all.length ? nothing : html`<li class="empty">Every call that waits is announced here, with two buttons. What you type after
      <b>/pull</b> is answered here too.</li>`}
    ${repeat(top, key, (m) => {
      const replies = all.filter((r) => r.thread === m.ts && r.ts !== m.ts);
      return html`<li class="message" data-mine=${Boolean(m.mine)}>
        ${message(m)}
        ${replies.length
          ? html`<ol class="thread" aria-label="Thread">${repeat(replies, key, (r) => html`<li class="message">${message(r)}</li>`)}</ol>`
          : nothing}
      </li>`;
    })}
  </ol>`;
}

const key = (m) => `${m.mine ? "private" : ""} ${m.ts}`;

function message(m) {
  const name = state.world.slack.names[m.user] ?? m.user;
  const app = !state.world.team.some((p) => p.slack === m.user);
  const press = (id) => act("button", { user: state.me, ts: m.ts, action_id: id });
  return html`
    ${m.mine ? html`<p class="only">${eye()} Only visible to you</p>` : nothing}
    <span class="avatar" aria-hidden="true">${app ? html`<img src="/icon.svg" alt="" width="36" height="36">` : [...name][0]}</span>
    <p class="by">
      <b>${name}</b> ${app ? html`<span class="app">APP</span>` : nothing}
      <time datetime=${m.at}>${clock(m.at)}</time> ${m.edited ? html`<span class="edited">(edited)</span>` : nothing}
    </p>
    <div class="bk">${m.blocks.length ? blocks(m.blocks, press) : html`<p>${mrkdwn(m.text)}</p>`}</div>`;
}

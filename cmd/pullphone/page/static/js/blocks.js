// Slack's Block Kit as nodes (docs.slack.dev/reference/block-kit), drawn from what the program sent.
import { html, nothing } from "./lit.js";
import { link, mrkdwn, plain } from "./mrkdwn.js";
import { state } from "./state.js";

// blocks draws blocks; press is told the action_id of a button that is pressed.
export function blocks(list, press) {
  return list.map((b) => block(b, press));
}

function block(b, press) {
  switch (b.type) {
    case "header":
      return html`<h3 class="bk-header">${plain(b.text.text)}</h3>`;
    case "section":
      return html`<div class="bk-section">
        <div>
          ${b.text ? html`<p>${text(b.text)}</p>` : nothing}
          ${b.fields ? html`<ul class="bk-fields">${b.fields.map((f) => html`<li>${text(f)}</li>`)}</ul>` : nothing}
        </div>
        ${b.accessory ? element(b.accessory, press) : nothing}
      </div>`;
    case "context":
      return html`<p class="bk-context">${b.elements.map((e) => html`<span>${e.type === "image" ? e.alt_text : text(e)}</span> `)}</p>`;
    case "actions":
      return html`<div class="bk-actions">${b.elements.map((e) => element(e, press))}</div>`;
    case "divider":
      return html`<hr>`;
    case "image":
      return html`<p class="bk-context">Image: ${b.alt_text}</p>`;
    case "markdown":
      return html`<p class="bk-section">${b.text}</p>`;
    case "rich_text":
      return html`<div class="bk-section">${b.elements.map(rich)}</div>`;
  }
  return html`<p class="bk-context">A block of type ${b.type}</p>`;
}

const text = (t) => (t.type === "mrkdwn" ? mrkdwn(t.text) : plain(t.text));

function element(e, press) {
  if (e.type === "image") return html`<span class="bk-context">Image: ${e.alt_text}</span>`;
  if (e.type !== "button") return html`<span class="bk-context">An element of type ${e.type}</span>`;
  const look = `bk-button ${e.style ?? ""}`;
  if (e.url) return link(e.url, plain(e.text.text), look);
  return html`<button type="button" class=${look} data-do="slack-${e.action_id}" aria-label=${e.accessibility_label ?? nothing}
    @click=${() => press(e.action_id)}>${plain(e.text.text)}</button>`;
}

function rich(e) {
  const inside = (e.elements ?? []).map(rich);
  switch (e.type) {
    case "rich_text_section":
      return html`<p>${inside}</p>`;
    case "rich_text_quote":
      return html`<blockquote>${inside}</blockquote>`;
    case "rich_text_preformatted":
      return html`<pre>${inside}</pre>`;
    case "rich_text_list":
      return e.style === "ordered" ? html`<ol>${inside.map((i) => html`<li>${i}</li>`)}</ol>` : html`<ul>${inside.map((i) => html`<li>${i}</li>`)}</ul>`;
    case "link":
      return link(e.url, e.text);
    case "user":
      return html`<span class="mention">@${state.world.slack.names[e.user_id] ?? e.user_id}</span>`;
    case "channel":
      return html`<span class="mention">#${state.world.slack.names[e.channel_id] ?? e.channel_id}</span>`;
    case "broadcast":
      return html`<span class="mention">@${e.range}</span>`;
    case "emoji":
      return `:${e.name}:`;
  }
  const s = e.style ?? {};
  const styled = s.code ? html`<code>${e.text}</code>` : (e.text ?? "");
  return s.bold ? html`<b>${styled}</b>` : s.italic ? html`<i>${styled}</i>` : s.strike ? html`<s>${styled}</s>` : styled;
}

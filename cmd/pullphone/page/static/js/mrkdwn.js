// Slack's mrkdwn as nodes (docs.slack.dev/messaging/formatting-message-text). Whatever is not known stays text.
import { html } from "./lit.js";
import { state } from "./state.js";

const bracket = /<([^<>\n]+)>/;
// What stands between two marks at the edges of words.
const between = (mark) => new RegExp(`(?<![\\p{L}\\p{N}])[${mark}](?! )([^${mark}]+)(?<! )[${mark}](?![\\p{L}\\p{N}])`, "u");
const marks = [
  [between("`"), (t) => html`<code>${plain(t)}</code>`],
  [between("*"), (t) => html`<b>${formatted(t)}</b>`],
  [between("_"), (t) => html`<i>${formatted(t)}</i>`],
  [between("~"), (t) => html`<s>${formatted(t)}</s>`],
];

// mrkdwn formats a text.
export function mrkdwn(text) {
  return text.split("\n").map((line, i) => {
    const quote = /^(?:>|&gt;) ?/.exec(line);
    const inside = formatted(quote ? line.slice(quote[0].length) : line);
    return html`${i && !quote ? html`<br>` : ""}${quote ? html`<blockquote>${inside}</blockquote>` : inside}`;
  });
}

// formatted reads a line: what stands between angle brackets first, then each mark at the edges of words.
function formatted(line) {
  const found = bracket.exec(line);
  const [from, to] = found ? [found.index, found.index + found[0].length] : [line.length, line.length];
  for (const [mark, node] of marks) {
    const m = mark.exec(line);
    if (!m || m.index > from) continue;
    return [plain(line.slice(0, m.index)), node(m[1]), formatted(line.slice(m.index + m[0].length))];
  }
  if (!found) return plain(line);
  return [plain(line.slice(0, from)), special(found[1]), formatted(line.slice(to))];
}

// plain reads what Slack has escaped, in plain text objects as well.
export const plain = (s) => s.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");

// spoken is a text as a screen reader says it.
export const spoken = (text) => plain(text.replace(/<[^|>]*\|([^>]*)>/g, "$1"));

// special is what stands between angle brackets; its first character tells what it is.
function special(inside) {
  const [what, label = ""] = cut(inside, "|");
  if (what.startsWith("@")) return html`<span class="mention">@${nameOf(what.slice(1), label)}</span>`;
  if (what.startsWith("#")) return html`<span class="mention">#${nameOf(what.slice(1), label)}</span>`;
  if (what.startsWith("!date^")) return date(what.split("^"), plain(label));
  if (what.startsWith("!")) return html`<span class="mention">@${plain(label) || what.slice(1)}</span>`;
  return link(plain(what), plain(label));
}

function cut(s, at) {
  const i = s.indexOf(at);
  return i < 0 ? [s] : [s.slice(0, i), s.slice(i + 1)];
}

const nameOf = (id, label) => state.world.slack.names[id] ?? (plain(label) || id);

// link leads to web pages only: another scheme could run something here.
export function link(url, label, look = "") {
  if (!/^https?:\/\//i.test(url)) return label ? `${label} (${url})` : url;
  // The page passes messages on: the server itself may be out of this browser's reach.
  const message = /^[^/]+\/\/[^/]+(\/voicemail\/.*)/.exec(url)?.[1];
  return html`<a class=${look} href=${message ?? url} target="_blank" rel="noopener noreferrer" data-do=${message ? "listen" : "link"}>${label || url}<span
    class="unseen"> (opens a new tab)</span></a>`;
}

const styles = {
  date_num: { year: "numeric", month: "2-digit", day: "2-digit" },
  date: { dateStyle: "long" },
  date_pretty: { dateStyle: "long" },
  date_short: { dateStyle: "medium" },
  date_short_pretty: { dateStyle: "medium" },
  date_long: { dateStyle: "full" },
  date_long_pretty: { dateStyle: "full" },
  time: { timeStyle: "short" },
  time_secs: { timeStyle: "medium" },
};

// date shows a time in the reader's own zone. A token that is not known gives the fallback.
function date([, unix, format = ""], fallback) {
  const at = new Date(unix * 1000);
  let known = !Number.isNaN(at.getTime());
  const text = format.replace(/\{(\w+)\}/g, (_, token) => {
    known &&= token in styles;
    return known ? new Intl.DateTimeFormat(undefined, styles[token]).format(at) : "";
  });
  return known ? html`<time datetime=${at.toISOString()}>${text}</time>` : fallback;
}

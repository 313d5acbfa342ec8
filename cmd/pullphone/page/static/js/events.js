// The server's events: the picture of everything, and each line of the timeline as it comes.
import { state, redraw } from "./state.js";

const kept = 500;

// listen hears the events for as long as the page is open. After a break all lines that are kept come once more.
export function listen(changed, wait = 250) {
  const source = new EventSource("/events");
  source.addEventListener("world", (e) => {
    wait = 250;
    const before = state.world;
    state.world = JSON.parse(e.data);
    state.online = true;
    changed(before, state.world);
    redraw();
  });
  source.addEventListener("wire", (e) => {
    const line = JSON.parse(e.data);
    if (line.n <= (state.wire.at(-1)?.n ?? 0)) return;
    state.wire.push(line);
    state.wire.splice(0, state.wire.length - kept);
    redraw();
  });
  source.onerror = () => {
    source.close();
    state.online = false;
    redraw();
    setTimeout(() => listen(changed, Math.min(wait * 2, 4000)), wait);
  };
}

// The server's events: the picture of everything, and each line of the timeline as it comes.
import { state, redraw } from "./state.js";

const kept = 500;

// listen hears the events for as long as the page is in sight: a browser has six connections to a server for all its tabs.
// Afterwards, as after a break, the lines come that it has not heard.
export function listen(changed) {
  let source;
  let timer;
  let wait = 250;
  const begin = () => {
    source = new EventSource(`/events?after=${state.wire.at(-1)?.n ?? 0}`);
    source.addEventListener("world", (e) => {
      wait = 250;
      const before = state.world;
      state.world = JSON.parse(e.data);
      state.online = true;
      changed(before, state.world);
      redraw();
    });
    source.addEventListener("wire", (e) => {
      state.wire.push(JSON.parse(e.data));
      state.wire.splice(0, state.wire.length - kept);
      redraw();
    });
    source.onerror = () => {
      end();
      timer = setTimeout(begin, wait);
      wait = Math.min(wait * 2, 4000);
    };
  };
  const end = () => {
    clearTimeout(timer);
    source?.close();
    state.online = false;
    redraw();
  };
  document.addEventListener("visibilitychange", () => (document.hidden ? end() : begin()));
  if (!document.hidden) begin();
}

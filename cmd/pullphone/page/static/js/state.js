// What the page knows: the server's picture, and what its visitor has chosen.

export const state = {
  world: null, // the picture: see world.go
  wire: [], // the timeline, oldest first
  online: false, // the page hears from the demo
  caller: "", // phone of the caller whose phone is shown
  person: "", // name of the teammate whose mobile is held
  me: "", // Slack ID of whoever reads the channel
  ear: "caller", // which of the two phones is heard: "caller" or "team"
  sound: false,
};

let draw = () => {};
let due = false;

// onDraw names the function that draws the page.
export function onDraw(f) {
  draw = f;
}

// redraw has the page drawn before the next frame, once, however often it is asked.
export function redraw() {
  if (due) return;
  due = true;
  const now = () => {
    if (!due) return;
    due = false;
    draw();
  };
  requestAnimationFrame(now);
  setTimeout(now, 200); // a page in the background gets no frames
}

// choose changes what the visitor has chosen.
export function choose(changes) {
  Object.assign(state, changes);
  redraw();
}

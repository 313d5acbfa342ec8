// What the phone in the visitor's hand sounds like. Only that one is heard: the caller's, or the mobile that is held.
import { callerNow, incoming, live, liveLeg, personNow } from "./calls.js";
import { choose, state } from "./state.js";

let studio; // made at the first press: browsers make no sound before one
let music; // the file that plays
let ringing; // the timer of what rings
const oscillators = new Set(); // that sound, or will
let at = ""; // the phone and call that are heard
let heard = -1; // number of the last entry of that call that was sounded
let talk = Promise.resolve(); // what is said, one after the other
let turn = 0; // counts how often everything fell silent: what waits from before is not said any more

// setSound turns the sound on or off, in answer to a press.
export function setSound(sound) {
  if (sound) {
    studio ??= new AudioContext();
    studio.resume();
  }
  quiet();
  at = "";
  choose({ sound });
}

// hear has the phone sound as the picture says it does, while there are pictures.
export function hear() {
  const leg = state.ear === "caller" ? callerNow().call : liveLeg(personNow());
  const now = state.sound && state.online && live(leg) ? `${state.ear} ${leg.sid} ${incoming(leg)}` : "";
  if (now !== at) {
    quiet();
    at = now;
    const goesOn = (h) => h === leg.heard.at(-1) && (h.kind === "play" || h.kind === "ring");
    const fresh = (h) => Date.now() - new Date(h.at) < 1500;
    heard = now ? (leg.heard.findLast((h) => !goesOn(h) && !fresh(h))?.n ?? -1) : -1;
  }
  if (!now) return;
  if (incoming(leg)) {
    ring(bell, 2000);
    return;
  }
  for (const h of leg.heard.filter((h) => h.n > heard)) {
    heard = h.n;
    sound(leg, h);
  }
}

function sound(leg, h) {
  switch (h.kind) {
    case "say":
      stopMusic();
      stopTones();
      next(() => say(h.text));
      break;
    case "play":
      next(() => play(leg, h));
      break;
    case "beep":
      stopMusic();
      next(() => tone([1000], 0, 0.4));
      break;
    case "ring":
      quiet();
      ring(ringback, 6000);
      break;
    case "bridge":
      quiet();
  }
}

// next does something when what is being said has been said.
function next(f) {
  const mine = turn;
  talk = talk.then(() => (mine === turn ? f() : undefined));
}

function quiet() {
  turn++;
  talk = Promise.resolve();
  stopMusic();
  stopTones();
  globalThis.speechSynthesis?.cancel();
}

// say speaks a sentence. A browser without a voice, or one that forgets to say that it is done, is waited for as long as
// the sentence takes.
function say(text) {
  const speech = globalThis.speechSynthesis;
  if (!speech) return undefined;
  return new Promise((done) => {
    const words = new SpeechSynthesisUtterance(text);
    words.lang = "en-US";
    words.onend = words.onerror = done;
    setTimeout(done, 1500 + 80 * text.length);
    speech.speak(words);
  });
}

// play plays a file over and over, from where the call is in it by now.
function play(leg, h) {
  stopMusic();
  const file = new Audio(`/sound?sid=${encodeURIComponent(leg.sid)}&n=${h.n}`);
  file.loop = true;
  file.volume = 0.6;
  file.addEventListener("loadedmetadata", () => {
    const gone = (Date.now() - new Date(h.at)) / 1000;
    if (Number.isFinite(file.duration) && gone > 1) file.currentTime = gone % file.duration;
  });
  file.play().catch(() => {}); // it was stopped before it began
  music = file;
}

function stopMusic() {
  music?.pause();
  music = undefined;
}

function ring(once, every) {
  if (ringing) return;
  once();
  ringing = setInterval(once, every);
}

const bell = () => [659, 784, 988, 784].forEach((hz, i) => tone([hz], i * 0.16, 0.15));
const ringback = () => tone([440, 480], 0, 2); // what North America hears

function tone(frequencies, after, lasts) {
  const start = studio.currentTime + after;
  const volume = new GainNode(studio, { gain: 0 });
  volume.gain.setTargetAtTime(0.12 / frequencies.length, start, 0.01);
  volume.gain.setTargetAtTime(0, start + lasts, 0.02);
  volume.connect(studio.destination);
  for (const frequency of frequencies) {
    const o = new OscillatorNode(studio, { frequency });
    o.connect(volume);
    o.start(start);
    o.stop(start + lasts + 0.2);
    oscillators.add(o);
    o.onended = () => oscillators.delete(o);
  }
}

function stopTones() {
  clearInterval(ringing);
  ringing = undefined;
  for (const o of oscillators) o.stop();
}

// playSample lets callers hear themselves.
export function playSample() {
  if (state.sound) new Audio("/sample.wav").play().catch(() => {}); // without it they are no worse off
}

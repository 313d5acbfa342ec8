// A voicemail from the microphone: the sound of the room, as a WAV file that the network's recording then holds.
import { act, post, trouble } from "./act.js";
import { redraw, state } from "./state.js";
import { wav } from "./wav.js";

const rate = 16000; // hertz: what a good telephone carries
const longest = 60_000; // milliseconds

// recording is what goes on: the call, since when, and how loud it is from 0 to 1. Without a call nothing does.
export const recording = { sid: "", since: 0, level: 0 };

// spoken is how many seconds were said into a call's recording.
export const spoken = new Map();

let going; // settles when what goes on is over, and what was said is on the line
let end = () => {};

// record listens until stop, and leaves what it heard as the call's message. There is one recording at a time, from the
// question whether the browser may on.
export function record(call) {
  if (going) return;
  const ended = new Promise((resolve) => (end = resolve));
  going = leaveMessage(call, ended).finally(() => {
    going = undefined;
    recording.sid = "";
    redraw();
  });
}

async function leaveMessage(call, ended) {
  let stream;
  if (!isSecureContext) {
    trouble("The browser gives the microphone only to localhost or https. Play the sample instead.");
    return;
  }
  try {
    stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  } catch (err) {
    const why = err.name === "NotAllowedError" ? "The browser may not use the microphone." : "There is no microphone here.";
    trouble(`${why} Play the sample instead.`);
    return;
  }
  const room = new AudioContext();
  const parts = [];
  try {
    await room.audioWorklet.addModule("/js/tape.js");
    const tape = new AudioWorkletNode(room, "tape", { numberOfOutputs: 0 });
    tape.port.onmessage = (e) => {
      parts.push(e.data);
      recording.level = Math.max(recording.level * 0.9, ...e.data);
    };
    room.createMediaStreamSource(stream).connect(tape);
    Object.assign(recording, { sid: call.sid, since: Date.now(), level: 0 });
    await listening(ended);
  } finally {
    for (const track of stream.getTracks()) track.stop();
    await room.close();
  }
  const sound = await resampled(parts, room.sampleRate);
  if (!sound || !(await post(`/act/record?sid=${encodeURIComponent(call.sid)}`, wav(sound, rate), "audio/wav"))) return;
  spoken.set(call.sid, Math.max(1, Math.round(sound.length / rate)));
}

// stop ends the recording, and waits until its message is on the line. It does not wait for a browser that still asks.
export async function stop() {
  end();
  if (recording.sid) await going;
}

// attend ends a recording that has no Done any more: the line has stopped listening, or another phone is shown.
export function attend(call) {
  if (recording.sid && !(call?.sid === recording.sid && call.place === "recording")) stop();
}

const patience = 60_000; // milliseconds
let breathed = { sid: "", since: 0 };

// breathe lets a line that records hear that somebody is there, or it would take the silence for the end before a
// visitor has found out how to leave a message. Not for ever: who goes away is cut off as on any telephone.
export function breathe(call) {
  if (call?.place !== "recording" || spoken.has(call.sid)) return;
  if (breathed.sid !== call.sid) breathed = { sid: call.sid, since: Date.now() };
  const here = state.online && Date.now() - breathed.since < patience;
  if (recording.sid === call.sid || here) act("speak", { sid: call.sid, seconds: 0 });
}

// listening lasts until somebody stops it.
async function listening(ended) {
  const meter = setInterval(redraw, 100);
  const limit = setTimeout(end, longest);
  redraw();
  await ended;
  clearInterval(meter);
  clearTimeout(limit);
}

async function resampled(parts, from) {
  const length = parts.reduce((n, p) => n + p.length, 0);
  if (!length) return null;
  const studio = new OfflineAudioContext(1, Math.ceil((length * rate) / from), rate);
  const buffer = studio.createBuffer(1, length, from);
  let at = 0;
  for (const p of parts) {
    buffer.copyToChannel(p, 0, at);
    at += p.length;
  }
  const source = new AudioBufferSourceNode(studio, { buffer });
  source.connect(studio.destination);
  source.start();
  return (await studio.startRendering()).getChannelData(0);
}

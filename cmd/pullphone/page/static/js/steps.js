// The steps of the guided minute: a call that is taken by text, and one that is sent to voicemail. Which step is next is read
// from the picture, so that a newcomer gets on by whatever way they got there.
import { act } from "./act.js";
import { called, callerNow, heard, live, liveLeg, partner } from "./calls.js";
import { spoken } from "./microphone.js";
import { hangUpAll } from "./phone.js";
import { state } from "./state.js";

export const titles = [
  "Call the line", "Text Yes", "Pick up", "Press 1", "Talk, hang up",
  "Call again", "Press Voicemail", "Leave a message", "Listen",
];

// tour is where the visitor is in it.
export const tour = {
  on: true,
  begun: false, // the town was found, or made, as the first step needs it
  taken: "", // SID of the call that was taken: the first half is over when it is
  posted: 0, // number of the wire's line after which the message can be listened to
};

// begin has the steps begin with the first, once all is quiet.
export const begin = () => Object.assign(tour, { on: true, begun: false, taken: "", posted: 0 });

// step is the next one: its number in titles, what to do, and where: the data-do of what is to be pressed, and whose mobile it
// is on. After the last step there is none.
export function step() {
  tour.begun ||= quiet() && state.world.server.state === "up";
  if (!tour.begun) return { n: 0, say: "One moment: everything is made ready." };
  const me = callerNow();
  const call = me.call;
  const name = called(me);
  if (!live(call)) return call && tour.taken && call.sid !== tour.taken ? listen(call) : dial();
  const second = tour.taken && call.sid !== tour.taken;
  switch (call.place) {
    case "queue":
      return second ? sendToVoicemail(name) : textYes(call, name);
    case "dialing":
      return pickUp(call, name);
    case "bridged":
      return talk(call);
    case "recording":
      return leaveMessage(call, name);
  }
  if (!heard(call, "play")) return { n: second ? 6 : 1, say: `${name} is greeted.` };
  return second ? { n: 7, say: `${name} is about to be asked for a message.` } : putThrough(name);
}

// quiet says whether nobody telephones and nothing is broken.
export function quiet() {
  const { callers, team, server, faults } = state.world;
  return !faults.slack && !faults.sms && server.state !== "down" && !callers.some((c) => live(c.call)) && !team.some(liveLeg);
}

// tidy makes it so.
export async function tidy() {
  const { faults, server } = state.world;
  for (const what of ["slack", "sms"]) if (faults[what]) await act("fault", { what, down: false });
  if (server.state === "down") await act("server", { do: "start" });
  await hangUpAll();
}

function dial() {
  if (tour.taken) return { n: 5, say: "That call was taken by text. Call again, and answer in Slack.", at: "call" };
  return { n: 0, say: `You are ${called(callerNow())} and call the company. Press Call.`, at: "call" };
}

function textYes(call, name) {
  const told = state.world.team.filter((p) => p.texts.some((t) => !t.mine && t.at >= call.began));
  const who = told.find((p) => p.name === state.person) ?? told[0];
  if (!who) return { n: 1, say: `${name} is greeted and put on hold. The team is being told.` };
  const say = `${name} hears music. Everybody has a text, and Slack shows the call. You are ${who.name} now: text Yes.`;
  return { n: 1, say, at: "text-Yes", person: who.name };
}

const putThrough = (name) => ({ n: 2, say: `The first answer wins: ${name} is put through.` });

function pickUp(call, name) {
  const p = partner(call);
  if (!p) return putThrough(name);
  const who = p.person.name;
  if (!p.leg.answered) return { n: 2, say: `The first answer wins. ${who}’s mobile rings: accept the call.`, at: "accept", person: who };
  const say = `${who} hears who calls. Press 1 to take the call: a mailbox could not, so it never swallows a caller.`;
  return { n: 3, say, at: "team-key-1", person: who };
}

function talk(call) {
  tour.taken ||= call.sid;
  const p = partner(call);
  const say = "They talk, and Slack shows it, without the buttons. Hang up when you like.";
  return p ? { n: 4, say, at: "team-hangup", person: p.person.name } : { n: 4, say, at: "caller-hangup" };
}

function sendToVoicemail(name) {
  const shown = state.world.slack.messages.some((m) => m.blocks.some((b) => b.type === "actions"));
  if (!shown) return { n: 6, say: `${name} is on hold again. Slack is about to show the call.` };
  return { n: 6, say: "Nobody has time to talk now. Press Voicemail in the Slack channel.", at: "slack-voicemail" };
}

function leaveMessage(call, name) {
  if (spoken.has(call.sid)) return { n: 7, say: "The line has it. Hang up, and it is posted to the channel.", at: "caller-hangup" };
  return { n: 7, say: `${name} is asked for a message. Play the sample, or use your microphone.`, at: "sample" };
}

// listen is the last: it is done when the server has asked Twilio for the sound.
function listen(call) {
  const link = state.world.slack.messages.some((m) => m.at >= call.began && /\/voicemail\//.test(m.text));
  if (!link && !spoken.has(call.sid)) return dial();
  if (!link) return { n: 8, say: "The message is on its way to the channel." };
  tour.posted ||= state.wire.at(-1).n;
  if (state.wire.some((l) => l.n > tour.posted && l.way === "us→twilio" && /Recordings\/RE/.test(l.summary))) return null;
  return { n: 8, say: "The message is in the channel. Press Listen: its page opens in a new tab.", at: "listen" };
}

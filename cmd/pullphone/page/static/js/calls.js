// How calls stand, read from the picture.
import { state } from "./state.js";

export const live = (leg) => Boolean(leg) && leg.place !== "ended";
export const liveLeg = (person) => person.legs.findLast(live);
export const callerNow = () => state.world.callers.find((c) => c.phone === state.caller);
export const personNow = () => state.world.team.find((p) => p.name === state.person);
export const called = (c) => c.name || c.city || (c.phone ? c.shown : "Withheld");
export const heard = (leg, kind) => leg.heard.findLast((h) => h.kind === kind);

// partner is the teammate whose mobile a call rings, or who talks in it, with their end of it.
export function partner(call) {
  const number = call.heard.findLast((h) => h.kind === "ring" || h.kind === "bridge")?.text;
  const person = state.world.team.find((p) => p.phone === number);
  const leg = person && liveLeg(person);
  return leg ? { person, leg } : null;
}

// story tells how a caller's call stands: its stage, a sentence, and since when.
export function story(caller) {
  const call = caller.call;
  if (!call) return { stage: "idle", text: "Not calling" };
  const at = (kind) => heard(call, kind)?.at ?? call.began;
  switch (call.place) {
    case "queue":
      return { stage: "hold", text: "On hold", since: call.began };
    case "dialing": {
      const p = partner(call);
      if (!p) return { stage: "ringing", text: "Being put through", since: at("ring") };
      if (p.leg.answered) return { stage: "ringing", text: `${p.person.name} hears who calls`, since: p.leg.answered, who: p.person.name };
      return { stage: "ringing", text: `${p.person.name}’s mobile rings`, since: p.leg.began, who: p.person.name };
    }
    case "bridged": {
      const name = partner(call)?.person.name;
      return { stage: "talking", text: name ? `Talking with ${name}` : "Talking", since: at("bridge"), who: name };
    }
    case "recording":
      return { stage: "recording", text: "Leaving a message", since: at("beep") };
    case "ended":
      if (heard(call, "bridge")) return { stage: "ended", text: "Talked" };
      if (heard(call, "beep")) return { stage: "ended", text: "Sent to voicemail" };
      return { stage: "ended", text: "Hung up" };
  }
  if (incoming(call)) return { stage: "ringing", text: "Sales calls back", since: call.began };
  return { stage: "greeted", text: "Listening", since: call.began };
}

// incoming says whether this phone rings.
export const incoming = (leg) => live(leg) && leg.incoming && !leg.answered;

// lasts writes how long something has gone on: 1:05.
export function lasts(since, until = Date.now()) {
  const seconds = Math.max(0, Math.floor((new Date(until) - new Date(since)) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

const hours = new Intl.DateTimeFormat([], { hour: "numeric", minute: "2-digit" });

export const clock = (at) => hours.format(new Date(at));

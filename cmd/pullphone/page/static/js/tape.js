// tape is the part of the microphone that runs beside the sound: it hands on what comes in.
registerProcessor(
  "tape",
  class extends AudioWorkletProcessor {
    process([input]) {
      if (input[0]) this.port.postMessage(input[0].slice());
      return true;
    }
  },
);

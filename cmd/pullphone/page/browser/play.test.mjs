// Free play: each of its buttons, and what the page shows of what comes of it.
import { describe, test } from "node:test";
import { once } from "node:events";
import { createServer } from "node:net";
import assert from "node:assert/strict";
import { content, open, town } from "./demo.mjs";

const waiting = (page, n) => page.waitForFunction((n) => document.querySelectorAll('[data-do="slack-take"]').length === n, {}, n);
const texts = (page, n) => page.waitForFunction((n) => document.querySelectorAll(".texts .theirs").length >= n, {}, n);

// spoken checks that the message in the channel is not the sample.
async function spoken(page, demo) {
  const link = await page.$eval('[data-do="listen"]', (a) => a.href);
  assert.ok(link.startsWith(`${demo.url}voicemail/`), `the page passes ${link} on`);
  const bytes = async (url) => (await (await fetch(url)).arrayBuffer()).byteLength;
  const [ours, sample] = await Promise.all([bytes(`${link}/audio`), bytes(`${demo.url}sample.wav`)]);
  assert.ok(ours > 8_000 && ours !== sample, `${ours} bytes of the microphone; the sample has ${sample}`);
}

describe("free play", () => {
  const on = town("chromium");

  // playing runs a test on a page where the tour was skipped.
  const playing = (run) =>
    on(async (browser, demo) => {
      const page = await open(browser, demo);
      await page.click(".tour .choices button:last-child");
      await run(page, demo);
      content(page);
    });

  test("three callers at once; somebody never answers; everybody is hung up", () =>
    playing(async (page) => {
      await page.press("many");
      await waiting(page, 3);
      await page.shows("#team", "Which one|Reply Y to take");
      await page.press("text-Yes");
      await page.shows("#team", "Which one\\?");
      await page.press("away");
      await page.shows("#team", "Cy’s|is calling");
      await page.waitForSelector('[data-do="accept"]');
      await page.shows("#slack", "Cy did not pick up");
      await waiting(page, 3);
      await page.press("reset");
      await waiting(page, 0);
      await page.shows("#flow", "Hung up");
    }));

  test("Slack is down, and back", () =>
    playing(async (page) => {
      await page.press("slack");
      await page.waitForSelector('[data-do="slack"][aria-pressed="true"]');
      await page.press("call");
      await texts(page, 1);
      await page.shows("#wire", "503");
      assert.equal(await page.$('[data-do="slack-take"]'), null);
      await page.press("text-Yes");
      await page.press("accept");
      await page.press("team-key-1");
      await page.shows("#flow", "Talking with Ann");
      await page.press("slack");
      await page.shows("#slack", "Talking with Ann");
    }));

  test("SMS is down, and back", () =>
    playing(async (page) => {
      await page.press("sms");
      await page.press("call");
      await waiting(page, 1);
      await page.shows("#wire", "503");
      assert.equal(await page.$(".texts .theirs"), null);
      await page.press("sms");
      await texts(page, 1);
      await page.press("reset");
    }));

  test("the server is killed with a call waiting, and started again", () =>
    playing(async (page) => {
      await page.press("call");
      await waiting(page, 1);
      await page.shows("#caller", "Hold music plays");
      await page.press("server");
      await page.shows("#top", "Server is down");
      await page.shows("#caller", "On hold");
      const port = await page.evaluate(async () => {
        const { state } = await import("/js/state.js");
        return new URL(/http:\S+/.exec(state.wire.find((l) => l.summary === "voice: POST /twilio/voice").text)[0]).port;
      });
      const inTheWay = createServer().listen(port, "127.0.0.1");
      await once(inTheWay, "listening");
      inTheWay.unref(); // a test that fails does not wait for it
      await page.press("server");
      await page.shows("#guide", "The server has failed: .*address already in use");
      inTheWay.close();
      await page.press("server");
      await page.waitForFunction(() => {
        const back = /The server is back/.test(document.querySelector("#guide").textContent);
        if (back && !/Server runs/.test(document.querySelector("#top").textContent)) throw new Error("it is not back yet");
        return back;
      });
      await page.press("slack-take");
      await page.press("accept");
      await page.press("team-key-1");
      await page.shows("#slack", "Talking with Ann");
      await page.press("team-hangup");
      await page.shows("#slack", "Talked with Ann");
    }));

  test("what is being written on one mobile is not sent from another", () =>
    playing(async (page) => {
      await page.type("#team .write input", "Yes, I am Ann");
      await page.press("person-Bob");
      await page.waitForSelector('#team .write input[aria-label^="Text from Bob"]');
      assert.equal(await page.$eval("#team .write input", (field) => field.value), "");
    }));

  test("/pull, a private answer, and the other readers", () =>
    playing(async (page) => {
      await page.type("#slack .write input", "list");
      await page.keyboard.press("Enter");
      await page.shows("#slack", "Only visible to you[^]*Nobody is waiting");
      await page.click('#slack .as label:nth-of-type(2)');
      await page.waitForFunction(() => !/Nobody is waiting/.test(document.querySelector("#slack").textContent));
    }));

  test("music is heard at the phone that is held, and there alone", () =>
    playing(async (page) => {
      await page.evaluate(() => {
        globalThis.files = [];
        const play = Audio.prototype.play;
        Audio.prototype.play = function () {
          globalThis.files.push(this);
          return play.call(this);
        };
      });
      const plays = (n) => page.waitForFunction((n) => globalThis.files.length === n && !globalThis.files[n - 1].paused && globalThis.files[n - 1].currentTime > 0, {}, n);
      const silent = () => page.waitForFunction(() => globalThis.files.every((f) => f.paused));
      await page.press("call");
      await page.shows("#caller", "Hold music plays");
      assert.equal(await page.evaluate(() => globalThis.files.length), 0, "there is no sound before it is turned on");
      await page.press("sound");
      await plays(1);
      await page.press("person-Bob");
      await silent();
      await page.click("#caller .captions");
      await plays(2);
      await page.press("sound");
      await silent();
      await page.press("sound");
      await plays(3);
      await page.press("caller-hangup");
      await silent();
    }));

  test("a message from the microphone", () =>
    playing(async (page, demo) => {
      await page.press("call");
      await page.press("slack-voicemail");
      await page.waitForSelector(".recorder");
      const secure = (value) => page.evaluate((value) => Object.defineProperty(globalThis, "isSecureContext", { value, configurable: true }) && value, value);
      await secure(false);
      await page.click(".recorder button:last-child");
      await page.shows("#trouble", "only to localhost or https");
      await secure(true);
      await page.click(".recorder button:last-child");
      await page.shows(".recorder", "Speak now · 0:02");
      await page.click(".recorder button");
      await page.shows(".recorder", "Your message of");
      await page.press("caller-hangup");
      await page.waitForSelector('[data-do="listen"]');
      await spoken(page, demo);
    }));

  test("whoever is recorded and hangs up, or is no longer shown, leaves a message, and the microphone is closed", () =>
    playing(async (page, demo) => {
      await page.evaluate(() => {
        globalThis.tracks = [];
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (what) => {
          const stream = await open(what);
          globalThis.tracks.push(...stream.getTracks());
          return stream;
        };
      });
      const speak = async () => {
        await page.waitForSelector(".recorder");
        await page.click(".recorder button:last-child", { count: 2, delay: 0 });
        await page.shows(".recorder", "Speak now · 0:02");
      };
      const closed = (n) => page.waitForFunction((n) => globalThis.tracks.length === n && globalThis.tracks.every((t) => t.readyState === "ended"), {}, n);
      await page.press("call");
      await page.press("slack-voicemail");
      await speak();
      await page.press("caller-hangup");
      await closed(1);
      await page.waitForSelector('[data-do="listen"]');
      await spoken(page, demo);
      await page.press("call");
      await page.press("slack-voicemail");
      await speak();
      await page.press("caller-+12085550145");
      await closed(2);
      await page.press("caller-+12085550123");
      await page.shows(".recorder", "Your message of");
      await speak();
      await page.press("reset");
      await closed(3);
      await page.waitForFunction(() => document.querySelectorAll('[data-do="listen"]').length === 2);
    }));

  test("seven tabs are at work, and one that comes back shows what it has missed", () =>
    playing(async (page, demo) => {
      await page.press("call");
      await waiting(page, 1);
      const known = await page.$$eval("#wire .line", (all) => all.length);
      for (let i = 0; i < 6; i++) {
        const other = await page.browserContext().newPage();
        await other.goto(demo.url);
        await other.waitForSelector('[data-do="slack-take"]');
        if (i < 5) continue;
        await other.click('[data-do="caller-hangup"]');
        await other.waitForFunction(() => !document.querySelector('[data-do="slack-take"]'));
      }
      await page.bringToFront();
      await page.shows("#flow", "Hung up");
      await waiting(page, 0);
      await page.waitForFunction((n) => document.querySelectorAll("#wire .line").length > n, {}, known);
      const numbers = await page.evaluate(async () => (await import("/js/state.js")).state.wire.map((l) => l.n));
      assert.deepEqual(numbers, [...new Set(numbers)].sort((a, b) => a - b), "no line comes twice");
    }));

  test("a demo that takes too long to answer is given up", () =>
    playing(async (page) => {
      await page.evaluate(() => {
        AbortSignal.timeout = () => AbortSignal.abort(new DOMException("", "TimeoutError"));
      });
      await page.press("call");
      await page.shows("#trouble", "takes too long");
    }));
});

// The guided minute, as a newcomer goes through it, in both browsers; and its first half without a mouse.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { content, launch, open, startDemo, town } from "./demo.mjs";

// minute presses what the guide marks, and nothing else.
async function minute(browser, page) {
  const steps = ["call", "text-Yes", "accept", "team-key-1", "team-hangup", "call", "slack-voicemail", "sample", "caller-hangup", "listen"];
  await page.press("sound");
  for (const [i, want] of steps.entries()) {
    await page.waitForSelector(`[data-next][data-do="${want}"]`);
    if (want === "listen") break;
    await page.click("[data-next]");
    if (i === 3) await page.shows("#slack", "Talking with Ann");
  }
  await page.shows("#slack", "Voicemail from JANE DOE");
  const known = new Set(await browser.pages());
  await page.click('[data-next][data-do="listen"]');
  const voicemail = await opened(browser, known);
  await voicemail.waitForSelector("audio");
  const seconds = await voicemail.$eval("audio", async (a) => {
    a.muted = true;
    await a.play();
    return a.duration;
  });
  assert.ok(seconds > 4, `the message lasts ${seconds} seconds`);
  await voicemail.close();
  await page.bringToFront();
  await page.shows("#guide", "Now play");
  await page.press("free");
  await page.shows("#guide", "Try this");
  content(page);
}

async function opened(browser, known) {
  for (;;) {
    const page = (await browser.pages()).find((p) => !known.has(p));
    if (page) return page;
    await new Promise((again) => setTimeout(again, 50));
  }
}

describe("the guide", () => {
  const on = { chromium: town("chromium"), firefox: town("firefox") };
  for (const [name, run] of Object.entries(on)) {
    test(`the guided minute in ${name}`, () => run(async (browser, demo) => minute(browser, await open(browser, demo))));
  }

  const marked = (page, name) => page.waitForSelector(`[data-next][data-do="${name}"]`);

  test("the tour begins in a town where all is well, goes on after a reload, and begins in no other tab while somebody plays", () =>
    on.chromium(async (browser, demo) => {
      const page = await open(browser, demo);
      await page.click(".tour .choices button:last-child");
      await page.press("many");
      await page.press("slack");
      await page.press("sms");
      await page.press("server");
      await page.shows("#top", "Server is down");
      await page.reload();
      await page.press("tour");
      await marked(page, "call");
      await page.press("caller-+12085550145");
      await page.press("call");
      await marked(page, "text-Yes");
      const other = await open(browser, demo);
      await other.shows("#guide", "Try this");
      await other.close();
      await page.reload();
      for (const next of ["text-Yes", "accept", "team-key-1", "team-hangup"]) {
        await marked(page, next);
        await page.click("[data-next]");
      }
      await page.shows("#guide", "Call again");
      await page.reload();
      await page.shows("#guide", "Call again");
      for (const next of ["call", "slack-voicemail", "sample"]) {
        await marked(page, next);
        await page.click("[data-next]");
      }
      await marked(page, "caller-hangup");
      await page.reload();
      await marked(page, "caller-hangup");
      content(page);
    }));

  test("in another demo at the same address the tour begins anew", async () => {
    const browser = await launch();
    const demo = await startDemo();
    try {
      const page = await open(browser, demo);
      await page.click(".tour .choices button:last-child");
      await page.shows("#guide", "Try this");
      await demo.stop();
      const next = await startDemo(new URL(demo.url).host);
      try {
        await marked(page, "call");
      } finally {
        await next.stop();
      }
    } finally {
      await browser.close();
    }
  });

  test("on a small screen the guide covers nothing that has the focus", () =>
    on.chromium(async (browser, demo) => {
      const page = await open(browser, demo, { width: 360, height: 640 });
      await marked(page, "call");
      const covered = new Set();
      for (const way of ["forth", "back"]) {
        if (way === "back") await page.keyboard.down("Shift");
        for (let i = 0; i < 60; i++) {
          await page.keyboard.press("Tab");
          const what = await page.evaluate(() => {
            const it = document.activeElement;
            const guide = document.getElementById("guide");
            if (guide.contains(it)) return null;
            const [mine, over] = [it, guide].map((e) => e.getBoundingClientRect());
            return mine.top >= over.top && mine.bottom <= over.bottom ? it.outerHTML.slice(0, 80) : null;
          });
          if (what) covered.add(what);
        }
      }
      await page.keyboard.up("Shift");
      assert.deepEqual([...covered], []);
    }));

  test("the first call with the keyboard alone", () =>
    on.chromium(async (browser, demo) => {
      const page = await open(browser, demo);
      const focused = () => page.evaluate(() => document.activeElement?.dataset.do ?? document.activeElement?.outerHTML.slice(0, 80));
      // tab goes on to something, in the order of the page.
      const tab = async (name) => {
        for (let i = 0; i < 120; i++) {
          await page.keyboard.press("Tab");
          if ((await focused()) === name) return;
        }
        assert.fail(`Tab does not come to ${name}`);
      };
      await tab("call");
      await page.keyboard.press("Enter");
      await page.waitForSelector('[data-next][data-do="text-Yes"]');
      assert.equal(await focused(), "caller-hangup", "the focus stays at the phone when its button changes");
      await tab("text-Yes");
      await page.keyboard.press("Space");
      await page.waitForSelector('[data-do="accept"]');
      assert.equal(await focused(), "text-Yes", "a call that comes in leaves the focus where it is");
      await page.keyboard.down("Shift");
      await tab("accept");
      await page.keyboard.up("Shift");
      await page.keyboard.press("Enter");
      await page.waitForSelector('[data-next][data-do="team-key-1"]');
      assert.equal(await focused(), "team-key-1", "whoever has accepted is at the keypad");
      await page.keyboard.press("1");
      await page.waitForSelector('[data-next][data-do="team-hangup"]');
      await tab("team-hangup");
      await page.keyboard.press("Enter");
      await page.shows("#guide", "Call again");
      await page.shows("#slack", "Talked with Ann");
      await page.shows("#news", "call is over");
      content(page);
    }));
});

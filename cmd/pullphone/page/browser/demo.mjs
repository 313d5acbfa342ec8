// What the browser tests share: the real demo as a process, browsers, and a page that must have nothing to complain about.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after } from "node:test";
import { createInterface } from "node:readline";
import assert from "node:assert/strict";
import puppeteer from "puppeteer-core";

const binary = process.env.PULLPHONE;
if (!binary) throw new Error("PULLPHONE must be the path of a pullphone binary: make browser");

// startDemo starts a demo, on a free port unless told otherwise. It resolves to its address, and a stop.
export async function startDemo(listen = "127.0.0.1:0") {
  const child = spawn(binary, ["demo", "--listen", listen], { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, BROWSER: "none", DISPLAY: "" } });
  for await (const line of createInterface(child.stdout)) {
    const found = /http:\/\/\S+/.exec(line);
    if (!found) continue;
    child.stdout.resume();
    return {
      url: found[0],
      async stop() {
        child.kill("SIGTERM");
        if (child.exitCode === null) await once(child, "exit");
        assert.equal(child.exitCode, 0, "the demo ends well");
      },
    };
  }
  throw new Error("the demo has told no address");
}

const chromium = {
  browser: "chrome",
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
  ],
  protocolTimeout: 120_000,
};
const firefox = {
  browser: "firefox",
  executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
  headless: true,
  extraPrefsFirefox: { "media.autoplay.default": 0, "media.navigator.streams.fake": true, "media.navigator.permission.disabled": true, "ui.prefersReducedMotion": 1 },
};

// launch starts a browser with a fresh profile.
export const launch = (name = "chromium") => puppeteer.launch(name === "firefox" ? firefox : chromium);

// looks are what a visitor prefers. What moves keeps a machine without a graphics card busy.
export const looks = (dark) => [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }, { name: "prefers-reduced-motion", value: "reduce" }];

// open opens the demo's page. Whatever a browser complains about there is kept in complaints.
export async function open(browser, demo, { width = 1600, height = 900, dark = false } = {}) {
  const page = await (await browser.createBrowserContext()).newPage();
  page.setDefaultTimeout(60_000); // for machines that are busy: nothing waits for it to pass
  const complaints = [];
  page.on("console", (m) => ["error", "warn"].includes(m.type()) && complaints.push(`console: ${m.text()}`));
  page.on("pageerror", (err) => complaints.push(`error: ${err.stack ?? err}`));
  page.on("requestfailed", (r) => {
    const hidden = new URL(r.url()).pathname === "/events" && r.failure()?.errorText === "net::ERR_ABORTED"; // it hung up itself
    if (!hidden) complaints.push(`failed: ${r.url()} ${r.failure()?.errorText}`);
  });
  page.on("response", (r) => r.status() >= 400 && complaints.push(`${r.status()}: ${r.url()}`));
  await page.setViewport({ width, height });
  if (browser.process().spawnfile.includes("chrom")) await page.emulateMediaFeatures(looks(dark));
  await page.goto(demo.url);
  await page.waitForSelector('[data-do="call"]');
  return Object.assign(page, {
    complaints,
    // press presses what has a name, once it is there and can be pressed.
    async press(name) {
      const it = `[data-do="${name}"]:not(:disabled)`;
      await page.waitForSelector(it);
      await page.click(it);
    },
    // shows waits until a part of the page has a text.
    shows: (where, text) => page.waitForFunction((w, t) => new RegExp(t).test(document.querySelector(w)?.textContent), {}, where, text),
    act: (verb, body = {}) =>
      page.evaluate(async (v, b) => {
        const answer = await fetch(`/act/${v}`, { method: "POST", body: JSON.stringify(b) });
        await answer.text();
        return answer.status;
      }, verb, body),
  });
}

// town lends each test of a file a demo of its own, and all of them one browser.
export function town(name) {
  const browser = launch(name);
  after(async () => (await browser).close());
  return async (run) => {
    const demo = await startDemo();
    try {
      await run(await browser, demo);
    } finally {
      await demo.stop();
    }
  };
}

// content says that the browser has complained about nothing.
export const content = (page) => assert.deepEqual(page.complaints, [], "the browser complains about nothing");

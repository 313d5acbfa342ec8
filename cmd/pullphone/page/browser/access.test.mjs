// The page for everybody: axe-core in light and dark, layout at all widths, and texts that would like to be more than text.
import { describe, test } from "node:test";
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { content, looks, open, town } from "./demo.mjs";

const axe = await readFile(new URL("node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

// check finds what axe-core calls serious or critical, in light and in dark.
async function check(page, where) {
  await page.evaluate(axe);
  for (const scheme of ["light", "dark"]) {
    await page.emulateMediaFeatures(looks(scheme === "dark"));
    const bad = await page.evaluate(async () => {
      const { violations } = await globalThis.axe.run({ resultTypes: ["violations"] });
      const grave = violations.filter((v) => ["serious", "critical"].includes(v.impact));
      return grave.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.any.map((a) => a.message).join(" ")}`));
    });
    assert.deepEqual(bad, [], `${where}, ${scheme}`);
  }
}

describe("the page for everybody", () => {
  const on = town("chromium");
  test("axe-core finds nothing serious", () =>
    on(async (browser, demo) => {
      const page = await open(browser, demo);
      await check(page, "nobody calls");
      await page.press("call");
      await page.waitForSelector('[data-do="slack-take"]');
      await check(page, "a call waits");
      await page.click("#wire .line:last-child summary");
      await page.press("text-Yes");
      await page.waitForSelector('[data-do="accept"]');
      await check(page, "a mobile rings");
      if (!(await page.$('[data-do="accept"]'))) await page.press("slack-take"); // slow machines check longer than it rings
      await page.press("accept");
      await page.press("team-key-1");
      await page.shows("#slack", "Talking with Ann");
      await check(page, "they talk");
      await page.press("team-hangup");
      await page.click(".tour .choices button:last-child");
      await page.press("sms");
      await page.press("call");
      await page.press("slack-voicemail");
      await page.waitForSelector(".recorder");
      await check(page, "a message is asked for, and SMS is down");
      await page.press("reset"); // however long that took: the line does not listen for ever
      await page.press("call");
      await page.press("slack-voicemail");
      await page.press("sample");
      await page.press("caller-hangup");
      await page.waitForSelector('[data-do="listen"]');
      await page.setViewport({ width: 360, height: 740 });
      await check(page, "on a small screen");
      const link = await page.$eval('[data-do="listen"]', (a) => a.href);
      await page.goto(link);
      await check(page, "the voicemail's page");
      content(page);
    }));

  test("no width scrolls sideways, and nothing jumps", (t) =>
    on(async (browser, demo) => {
      for (const [width, height] of [[360, 740], [900, 1200], [1600, 900]]) {
        const page = await open(browser, demo, { width, height });
        await page.evaluate(() => {
          globalThis.jumped = 0;
          new PerformanceObserver((list) => {
            for (const e of list.getEntries()) if (!e.hadRecentInput) globalThis.jumped += e.value;
          }).observe({ type: "layout-shift", buffered: true });
        });
        assert.equal(await page.act("many"), 204);
        await page.waitForFunction(() => document.querySelectorAll('[data-do="slack-take"]').length === 3);
        assert.equal(await page.act("text", { name: "Ann", body: "PULL" }), 204);
        await page.waitForSelector('[data-do="accept"]');
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${width}: ${wide} pixels too wide`);
        const jumped = await page.evaluate(() => globalThis.jumped);
        t.diagnostic(`${width} px: cumulative layout shift ${jumped.toFixed(4)}`);
        assert.ok(jumped < 0.1, `${width}: cumulative layout shift ${jumped}`);
        await page.act("reset");
        await page.waitForFunction(() => !document.querySelector('[data-do="slack-take"], [data-do="accept"]'));
        await page.close();
      }
    }));

  test("what strangers write stays text", () =>
    on(async (browser, demo) => {
      const page = await open(browser, demo);
      const bad = "<img src=x onerror=alert(1)> *<script>alert(1)</script>* <javascript:alert(1)|press> <https://example.com|a *link*> &lt;b&gt;";
      assert.equal(await page.act("text", { name: "Ann", body: bad }), 204);
      await page.shows("#team", "onerror");
      const drawn = await page.evaluate(async (bad) => {
        const { spoken } = await import("/js/mrkdwn.js");
        const { blocks } = await import("/js/blocks.js");
        const { render } = await import("/js/lit.js");
        const box = document.createElement("div");
        const text = { type: "mrkdwn", text: bad };
        render(blocks([
          { type: "header", text: { type: "plain_text", text: bad } },
          { type: "section", text, fields: [text, { type: "plain_text", text: bad }], accessory: { type: "button", action_id: "a", url: "javascript:alert(1)", text: { type: "plain_text", text: "x" } } },
          { type: "context", elements: [text, { type: "image", image_url: "https://example.com/x.png", alt_text: bad }] },
          { type: "divider" },
          { type: "actions", elements: [{ type: "button", action_id: "b", text: { type: "plain_text", text: bad } }] },
          { type: "rich_text", elements: [{ type: "rich_text_section", elements: [{ type: "text", text: bad, style: { bold: true } }, { type: "link", url: "javascript:alert(1)" }] }] },
          { type: "something_new" },
        ], () => {}), box);
        return {
          elements: [...new Set([...box.querySelectorAll("*")].map((e) => e.localName))].sort(),
          links: [...new Set([...box.querySelectorAll("a")].map((a) => a.href))],
          bold: box.querySelector(".bk-section b").textContent,
          said: spoken(bad),
          plain: [".bk-header", ".bk-fields li:last-child", ".bk-actions button"].map((e) => box.querySelector(e).textContent),
        };
      }, bad);
      for (const text of drawn.plain) assert.equal(text, bad.replace("&lt;b&gt;", "<b>"), "entities are read in plain text too");
      assert.ok(drawn.said.endsWith("press a *link* <b>"), drawn.said);
      assert.deepEqual(drawn.links, ["https://example.com/"]);
      for (const e of ["script", "img"]) assert.ok(!drawn.elements.includes(e), `${e} was made of text`);
      content(page);
    }));

  test("the library that is embedded is the one that it says it is", async () => {
    for (const file of ["LICENSE", "lit-html.js", "directive.js", "directive-helpers.js", "directives/repeat.js"]) {
      const ours = await readFile(new URL(`../static/lit-html/${file}`, import.meta.url));
      assert.ok(ours.equals(await readFile(new URL(`node_modules/lit-html/${file}`, import.meta.url))), file);
    }
  });
});

// Draws the picture of the README: a call waits, one has been taken before. With a folder as argument it puts the page at
// three widths there instead, in light and dark.
import { launch, looks, open, startDemo } from "./demo.mjs";

const folder = process.argv[2];
const demo = await startDemo();
const browser = await launch();
try {
  const page = await open(browser, demo, { width: 1440, height: 860 });
  await page.act("call", { phone: "+12085550145" });
  await page.press("person-Bob");
  await page.waitForSelector('[data-do="slack-take"]');
  await page.press("text-Yes");
  await page.press("accept");
  await page.press("team-key-1");
  await page.shows("#slack", "Talking with Bob");
  await new Promise((talk) => setTimeout(talk, 4000));
  await page.press("team-hangup");
  await page.shows("#slack", "Talked with Bob");
  await page.press("person-Ann");
  await page.press("call");
  await page.shows("#caller", "Hold music plays");
  await page.waitForSelector('[data-do="slack-take"]');
  await page.evaluate(() => {
    const line = [...document.querySelectorAll("#wire .line")].findLast((l) => /Enqueue/.test(l.textContent));
    line.querySelector("summary").click();
  });
  await page.mouse.move(0, 0);
  await page.evaluate(() => document.activeElement.blur());
  await page.evaluate(() => document.querySelector("#wire [open]").closest("li").scrollIntoView({ block: "center" }));
  await page.waitForFunction(() => /0:1\d/.test(document.querySelector("#caller .how").textContent));
  if (!folder) {
    await page.screenshot({ path: new URL("../picture.png", import.meta.url).pathname });
  } else {
    for (const dark of [false, true]) {
      await page.emulateMediaFeatures(looks(dark));
      for (const [width, height] of [[360, 740], [900, 1200], [1600, 900]]) {
        await page.setViewport({ width, height });
        await new Promise((drawn) => setTimeout(drawn, 300));
        await page.screenshot({ path: `${folder}/page-${width}-${dark ? "dark" : "light"}.png`, fullPage: true });
      }
    }
  }
} finally {
  await browser.close();
  await demo.stop();
}

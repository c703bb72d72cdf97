import { it } from "vitest";
import { serveViewer } from "../../src/viewer/server/serve.ts";
import { shippedActPackage } from "../../policies/act/index.ts";
import { shippedEnergyPackage } from "../../policies/energy/index.ts";
import { playInWorker } from "../support/played-in-worker.ts";
import { openPage, startBrowser } from "../support/viewer-page.ts";
it("x", async () => {
  const t0 = performance.now();
  const log = (...x: unknown[]) => process.stderr.write(`${((performance.now() - t0) / 1000).toFixed(1)} ${x.join(" ")}\n`);
  const { browser } = (await startBrowser()) as any;
  log("browser");
  const viewer = await serveViewer({ folder: "/tmp/page/none", appFolder: "dist/viewer", policyFolders: { act: shippedActPackage(), energy: shippedEnergyPackage() } });
  const open = await openPage(browser, viewer.url, { width: 900, height: 640 });
  open.page.on("request", (r: any) => log(r.url()));
  log("open");
  const got = await Promise.race([playInWorker(open.page, { world: "detour", task: "detour", initialState: 4, policy: "energy" }), new Promise((r) => setTimeout(r, 50000))]).catch((e) => e);
  log(got?.outcome, got?.decisions?.length, got);
  log(open.complaints);
  await open.page.goto("about:blank");
  await open.page.goto(`${viewer.url}#play=detour/detour&state=1&drive=policy:energy`);
  for (let i = 0; i < 12; i++) { await new Promise((r) => setTimeout(r, 2000)); const s = await open.page.locator("#play [role=status]").textContent(); log(s, await open.page.getByRole("slider").getAttribute("aria-valuenow")); if (/success/.test(s ?? "")) break; }
  log(open.complaints, await open.page.locator("#thoughts").textContent());
  await open.page.screenshot({ path: "/tmp/page/shot.png" });
  await browser.close(); await viewer.close();
}, 110000);

/** A killed server leaves nothing broken: the page says so, and goes on when another one is there. */
import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it } from "vitest";
import { writeSyntheticEpisode } from "../support/synthetic-files.ts";
import { BROWSER_ABSENT, usePage } from "../support/use-viewer.ts";

const SERVER = new URL("../../dist/src/viewer/server/serve.js", import.meta.url);
const isBuilt = existsSync(SERVER);
if (!isBuilt) {
  process.stderr.write("server-loss test skipped: dist/ is not built; run npm run build\n");
}

const PROGRAM = `
  const { serveViewer } = await import(process.argv[1]);
  const [folder, appFolder, port] = process.argv.slice(2);
  const { url } = await serveViewer({ folder, appFolder, port: Number(port) });
  console.log(url);
`;

/** A server in a process of its own; resolves with its address. */
async function startServer(args: readonly string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", PROGRAM, SERVER.href, ...args],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  for await (const line of createInterface({ input: child.stdout })) return { child, url: line };
  throw new Error("the server ended before it said its address");
}

const exited = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => child.once("exit", resolve));

describe.skipIf(BROWSER_ABSENT !== undefined || !isBuilt)("a viewer whose server is killed", () => {
  const used = usePage(async ({ episodes }) => {
    await writeSyntheticEpisode(join(episodes, "one.mcap"), { steps: 30 });
  });
  const children: ChildProcess[] = [];
  afterAll(() => {
    for (const child of children) child.kill("SIGKILL");
  });

  it("says that it reconnects, keeps what it shows, and finds the new server", async () => {
    const { episodes, appFolder } = used.folder;
    const path = join(episodes, "one.mcap");
    const before = await readFile(path);
    const first = await startServer([episodes, appFolder, "0"]);
    children.push(first.child);
    const { page, step } = await used.open(`${first.url}#episode=one.mcap`);
    await page.locator("#title-words h1").waitFor();
    await page.locator("body[data-connection=live]").waitFor();

    const gone = exited(first.child);
    first.child.kill("SIGKILL");
    await gone;
    await page.getByText("reconnecting").waitFor();
    await page.keyboard.press("End");
    expect(await step()).toBe(30);

    await writeSyntheticEpisode(join(episodes, "two.mcap"), { steps: 20, images: false });
    const second = await startServer([episodes, appFolder, new URL(first.url).port]);
    children.push(second.child);
    await page.locator("body[data-connection=live]").waitFor({ timeout: 20_000 });
    await page.locator('.episode[data-path="two.mcap"]').click();
    await expect
      .poll(() => page.locator("#title-words .outcome").textContent())
      .toBe("success at step 20");
    expect((await readFile(path)).equals(before)).toBe(true);
  });
});

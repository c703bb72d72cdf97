import { existsSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "./exit.ts";
import { interruptSignal } from "./interrupt.ts";
import { openBrowser } from "./open-browser.ts";
import type { PlayedPolicy } from "./play-policy.ts";

/** The built page, wherever this runs from. */
export function viewerAppFolder(): string {
  const fromDist = fileURLToPath(new URL("../../viewer", import.meta.url));
  const fromSource = fileURLToPath(new URL("../../dist/viewer", import.meta.url));
  return import.meta.url.endsWith(".ts") ? fromSource : fromDist;
}

export interface ViewOptions {
  /** `WORLD/TASK`, to be played in the page. */
  play?: string;
  /** A policy's name or its package's folder, which is to drive what is played. */
  policy?: string;
  port: number;
  open: boolean;
  static?: string;
}

/** `efference view [folder]`. */
export async function viewCommand(folder: string, options: ViewOptions): Promise<void> {
  if (options.static !== undefined) {
    await cp(viewerAppFolder(), options.static, { recursive: true });
    process.stdout.write(
      `viewer written to ${options.static}; serve it and drop an .mcap file on it\n`,
    );
    return;
  }
  if (options.play === undefined && !existsSync(folder)) {
    throw new UsageError(
      `Cannot view ${folder}: it is not there, must be a folder with .mcap files`,
    );
  }
  const driver = await driverFor(options);
  const { shippedPackages } = await import("./registry.ts");
  const { serveViewer } = await import("../viewer/server/serve.ts");
  const viewer = await serveViewer({
    folder: resolve(folder),
    port: options.port,
    appFolder: viewerAppFolder(),
    worldFolders: await worldFolders(),
    policyFolders: {
      ...(await shippedPackages()),
      ...(driver === undefined ? {} : { [driver.name]: driver.folder }),
    },
  });
  const drive = driver === undefined ? "" : `&drive=policy:${encodeURIComponent(driver.name)}`;
  const url =
    options.play === undefined ? viewer.url : `${viewer.url}#play=${options.play}${drive}`;
  process.stdout.write(`viewer: ${url}\n`);
  if (options.open) openBrowser(url);
  await untilInterrupted();
  await viewer.close();
}

/** Whoever is to drive, known to fit the world before anything is served. */
async function driverFor({ play, policy }: ViewOptions): Promise<PlayedPolicy | undefined> {
  if (policy === undefined) return undefined;
  const [world = ""] = play?.split("/") ?? [];
  if (world === "") {
    throw new UsageError(
      `Cannot let "${policy}" drive: --play is absent, must name a world and a task`,
    );
  }
  return (await import("./play-policy.ts")).policyToPlay(world, policy);
}

/** Data of worlds that the page can play, where they are prepared. */
async function worldFolders(): Promise<Record<string, string>> {
  const { defaultLiberoFolder } = await import("../../sim-bridge/sims/libero/node.ts");
  const libero = defaultLiberoFolder();
  return existsSync(join(libero, "libero.json")) ? { libero } : {};
}

export function untilInterrupted(): Promise<void> {
  const interrupt = interruptSignal();
  return new Promise((done) => {
    interrupt.signal.addEventListener(
      "abort",
      () => {
        interrupt.dispose();
        done();
      },
      { once: true },
    );
  });
}

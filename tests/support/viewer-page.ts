/** The viewer's page in a real browser, built from the present sources, with everything it complains about. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { build } from "vite";
import { decodePng } from "../../src/episode/node.ts";

export interface TestFolder {
  /** Holds the rest, and is for whatever else a test needs. */
  readonly root: string;
  /** Holds the built page. */
  readonly appFolder: string;
  /** To record into. */
  readonly episodes: string;
  remove(): Promise<void>;
}

/** Builds the page into a folder of its own. */
export async function buildViewer(): Promise<TestFolder> {
  const root = await mkdtemp(join(tmpdir(), "efference-viewer-"));
  const appFolder = join(root, "app");
  const configFile = fileURLToPath(new URL("../../src/viewer/app/vite.config.ts", import.meta.url));
  await build({ configFile, logLevel: "error", build: { outDir: appFolder } });
  const remove = (): Promise<void> => rm(root, { recursive: true, force: true });
  return { root, appFolder, episodes: join(root, "runs"), remove };
}

/** A page that remembers what went wrong on it. */
export interface WatchedPage {
  readonly page: Page;
  /** Console errors and warnings, exceptions, and requests that left the origin. */
  readonly complaints: string[];
  /** The step the page shows. */
  step(): Promise<number>;
  /** Waits until the 3D view has been drawn. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export interface PageOptions {
  readonly dark?: boolean;
  readonly width?: number;
  readonly height?: number;
}

export async function openPage(
  browser: Browser,
  url: string,
  options: PageOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width: options.width ?? 1280, height: options.height ?? 800 },
    colorScheme: options.dark === true ? "dark" : "light",
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() !== "error" && message.type() !== "warning") return;
    // The software renderer tells of its own slowness when a picture is read back.
    if (/GPU stall due to ReadPixels/.test(message.text())) return;
    complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const target = new URL(request.url());
    const own = target.origin === new URL(url).origin;
    if (!own && target.protocol !== "blob:" && target.protocol !== "data:") {
      complaints.push(`external request: ${request.url()}`);
    }
  });
  await page.goto(url);
  return {
    page,
    complaints,
    async step() {
      // The page shows a moment with its next frame.
      await settle(page);
      return Number(await page.getByRole("slider").getAttribute("aria-valuenow"));
    },
    async ready() {
      await page.locator("#scene[data-ready]").waitFor({ timeout: 60_000 });
      await settle(page);
    },
    close: () => context.close(),
  };
}

/** Waits until two frames have been drawn. */
export async function settle(page: Page): Promise<void> {
  await page.evaluate(
    () =>
      new Promise<void>((done) => {
        requestAnimationFrame(() => requestAnimationFrame(() => done()));
      }),
  );
}

/** What an element looks like: `uint8[height, width, channels]`. */
export async function pictureOf(
  page: Page,
  selector: string,
): Promise<ReturnType<typeof decodePng>> {
  return decodePng(await page.locator(selector).screenshot({ type: "png" }));
}

export function distinctColors({ data, channels }: { data: Uint8Array; channels: number }): number {
  const colors = new Set<number>();
  for (let i = 0; i + channels <= data.length; i += channels) {
    colors.add((data[i]! << 16) | (data[i + 1]! << 8) | data[i + 2]!);
  }
  return colors.size;
}

/** Share of the bytes in which two pictures of one size differ. */
export function difference(a: { data: Uint8Array }, b: { data: Uint8Array }): number {
  let different = 0;
  for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) different++;
  return different / a.data.length;
}

/** Drops a file on the page as a person would. */
export async function dropFile(page: Page, path: string, name: string): Promise<void> {
  const base64 = (await readFile(path)).toString("base64");
  const transfer = await page.evaluateHandle(
    ({ base64: text, name: fileName }) => {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
      const made = new DataTransfer();
      made.items.add(new File([bytes], fileName));
      return made;
    },
    { base64, name },
  );
  await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}

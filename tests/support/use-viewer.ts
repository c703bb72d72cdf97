/** For suites in a browser: what stands from their first test to their last, and pages that last one test. */
import type { Browser } from "playwright-core";
import { afterAll, afterEach, beforeAll } from "vitest";
import type { ServeViewerOptions, ViewerServer } from "../../src/viewer/server/serve.ts";
import { serveViewer } from "../../src/viewer/server/serve.ts";
import { ensureChromium, launchChromium } from "./browser.mjs";
import type { PageOptions, TestFolder, WatchedPage } from "./viewer-page.ts";
import { buildViewer, openPage } from "./viewer-page.ts";

function log(line: string): void {
  process.stderr.write(`${line}\n`);
}

// Sought while tests are collected: whether they are skipped is decided then.
const found = await ensureChromium({ log });
/** Why suites that need a browser are skipped, for `describe.skipIf`; undefined where there is one. */
export const BROWSER_ABSENT = "unavailable" in found ? found.unavailable : undefined;
if (BROWSER_ABSENT !== undefined) log(`browser tests skipped: ${BROWSER_ABSENT}`);

export interface UsedPage {
  /** The built page, and places for episodes and whatever else; there from the first `beforeAll` on. */
  readonly folder: TestFolder;
  /** Opens an address in a page that is closed after the test. */
  open(url: string, options?: PageOptions): Promise<WatchedPage>;
}

export interface UsedViewer extends UsedPage {
  /** For instance `http://127.0.0.1:4870/`. */
  readonly url: string;
}

/** Worlds and policies that the server offers besides the episodes. */
type Offers = Pick<ServeViewerOptions, "worldFolders" | "policyFolders">;

/**
 * For the suite that calls it: the page built from the present sources, and a browser.
 *
 * @param prepare - fills the folder before the first test
 */
export function usePage(prepare: (folder: TestFolder) => Promise<void>): UsedPage {
  let browser: Browser | undefined;
  let folder: TestFolder | undefined;
  const opened: WatchedPage[] = [];
  beforeAll(async () => {
    const launched = await launchChromium();
    if ("unavailable" in launched) {
      throw new Error(`Cannot test in a browser: ${launched.unavailable}`);
    }
    browser = launched.browser;
    folder = await buildViewer();
    await prepare(folder);
  });
  afterEach(async () => {
    for (const page of opened.splice(0)) await page.close();
  });
  afterAll(async () => {
    await browser?.close();
    await folder?.remove();
  });
  return {
    get folder() {
      return folder!;
    },
    async open(url, options) {
      const page = await openPage(browser!, url, options);
      opened.push(page);
      return page;
    },
  };
}

/**
 * Like `usePage`, with the viewer's server on the folder's episodes.
 *
 * @param prepare - fills the folder before the first test, and says what the server offers besides
 */
export function useViewer(
  prepare: (folder: TestFolder) => Promise<Offers> | Promise<void>,
): UsedViewer {
  let viewer: ViewerServer | undefined;
  let offers: Offers = {};
  const page = usePage(async (folder) => {
    offers = (await prepare(folder)) ?? {};
  });
  beforeAll(async () => {
    const { episodes, appFolder } = page.folder;
    viewer = await serveViewer({ folder: episodes, appFolder, ...offers });
  });
  afterAll(() => viewer?.close());
  return {
    get folder() {
      return page.folder;
    },
    get url() {
      return viewer!.url;
    },
    open: (url, options) => page.open(url, options),
  };
}

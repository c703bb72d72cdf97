import type { Browser } from "playwright-core";

export interface BrowserOptions {
  readonly log?: (line: string) => void;
}

export const CHROMIUM_ARGS: string[];
export function findChromium(): string | undefined;
export function ensureChromium(
  options?: BrowserOptions,
): Promise<{ executablePath: string } | { unavailable: string }>;
export function launchChromium(
  options?: BrowserOptions,
): Promise<{ browser: Browser } | { unavailable: string }>;

import { UsageError } from "./exit.ts";

/** What a simulator is told at its start, as given: `--sim-set key=value`. */
export type SimSettings = Readonly<Record<string, string>>;

/** @throws {UsageError} unless every word is `key=value` */
export function parseSimSettings(words: readonly string[] = []): SimSettings {
  return Object.fromEntries(
    words.map((word) => {
      const equals = word.indexOf("=");
      if (equals >= 1) return [word.slice(0, equals), word.slice(equals + 1)];
      throw new UsageError(`Cannot set "${word}" of the simulator: it must be like quality=fast`);
    }),
  );
}

/** The words that give these settings again. */
export function simSettingsWords(settings: SimSettings): string[] {
  return Object.entries(settings).flatMap(([key, value]) => ["--sim-set", `${key}=${value}`]);
}

/** @throws {UsageError} for text that is none */
export function wholeNumberSetting(
  { simulator, key }: { readonly simulator: string; readonly key: string },
  text: string,
): number {
  if (/^\d{1,4}$/.test(text)) return Number(text);
  throw new UsageError(
    `Cannot set ${key} of ${simulator}: it is "${text}", must be a whole number`,
  );
}

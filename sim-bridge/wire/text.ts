import { wireError } from "./errors.ts";
import type { WireLimits } from "./limits.ts";

const SURROGATE = /[\ud800-\udfff]/;
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Half a surrogate pair would not survive UTF-8. The quick test goes first: most text has no pair. */
function isWellFormed(text: string): boolean {
  return !SURROGATE.test(text) || !LONE_SURROGATE.test(text);
}

/** @throws RangeError if the text is too long or has half a surrogate pair (it would not survive UTF-8) */
export function checkText(
  text: string,
  { what, limits }: { what: string; limits: WireLimits },
): string {
  if (text.length > limits.maxTextLength) {
    throw wireError(
      "too_large",
      `Cannot accept ${what}: it has ${text.length} characters, must have at most ${limits.maxTextLength}`,
    );
  }
  if (!isWellFormed(text)) {
    throw wireError(
      "bad_value",
      `Cannot accept ${what}: it has half a surrogate pair, must be well-formed Unicode`,
    );
  }
  return text;
}

/** @throws RangeError unless the list is short enough */
export function checkLength(
  length: number,
  { what, limits }: { what: string; limits: WireLimits },
): void {
  if (length > limits.maxListLength) {
    throw wireError(
      "too_large",
      `Cannot accept ${what}: there are ${length}, must be at most ${limits.maxListLength}`,
    );
  }
}

/** A map of short names to texts, sorted by name, so that equal maps give equal bytes. */
export function checkTexts(
  texts: Readonly<Record<string, string>>,
  { what, limits }: { what: string; limits: WireLimits },
): Record<string, string> {
  const names = Object.keys(texts);
  if (names.length === 0) return {};
  checkLength(names.length, { what, limits });
  const sorted: Record<string, string> = {};
  for (const name of names.sort()) {
    checkName(name, { what, limits });
    sorted[name] = checkText(texts[name] as string, { what: `${what} "${name}"`, limits });
  }
  return sorted;
}

/** Names become keys of records, so the one key that is not a key is refused. */
export function checkName(
  name: string,
  { what, limits }: { what: string; limits: WireLimits },
): string {
  const isTooLong = name.length > limits.maxNameLength;
  if (name === "" || name === "__proto__" || isTooLong || !isWellFormed(name)) {
    const shown = name.length > 40 ? `${name.slice(0, 40)}...` : name;
    throw wireError(
      isTooLong ? "too_large" : "bad_value",
      `Cannot accept the name "${shown}" of ${what}: it must be 1 to ${limits.maxNameLength} characters of well-formed Unicode, not "__proto__"`,
    );
  }
  return name;
}

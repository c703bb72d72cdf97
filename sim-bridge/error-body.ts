import type { ErrorBody } from "./wire/messages.ts";
import { DEFAULT_LIMITS } from "./wire/limits.ts";

const MAX_WORDS = 4096;

/** An error message that can always be sent, whatever text went into it. */
export function errorBody(code: string, message: string, { fatal = false } = {}): ErrorBody {
  const cut = message.length > MAX_WORDS ? `${message.slice(0, MAX_WORDS)}...` : message;
  // Through UTF-8 and back: half a surrogate pair, for instance at the cut, becomes U+FFFD.
  const words = Buffer.from(cut, "utf8").toString("utf8");
  return {
    kind: "error",
    code: code.slice(0, DEFAULT_LIMITS.maxNameLength),
    message: words,
    fatal,
  };
}

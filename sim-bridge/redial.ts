import type { PeerError } from "../src/core/index.ts";
import type { DealerSession, SessionEnd } from "./dealer-session.ts";

/** How a peer's service ended. */
export type ServeEnd =
  /** The runtime said goodbye. */
  | { readonly kind: "closed"; readonly reason: string }
  /** The signal said so. */
  | { readonly kind: "aborted" }
  /** No runtime was to be heard for too long. */
  | { readonly kind: "forgotten"; readonly reason: string };

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/**
 * Opens sessions one after the other for as long as it makes sense.
 *
 * @throws {PeerError} if the runtime refuses us for good
 */
export async function keepDialling(
  open: () => DealerSession,
  options: { readonly forgottenAfterS: number; readonly signal: AbortSignal | undefined },
): Promise<ServeEnd> {
  const { forgottenAfterS, signal } = options;
  let heardMs = performance.now();
  let pauseMs = FIRST_PAUSE_MS;
  let reason = "no runtime answered";
  for (;;) {
    const leftMs = heardMs + forgottenAfterS * 1000 - performance.now();
    if (leftMs <= 0) return { kind: "forgotten", reason };
    if (signal?.aborted === true) return { kind: "aborted" };
    const session = open();
    const { end, wasWelcomed } = await attend(session, { leftMs, signal });
    switch (end.kind) {
      case "closed":
        return end;
      case "left":
        return { kind: "aborted" };
      case "refused":
        throw refusal(end.error);
      case "lost":
        reason = end.reason;
    }
    if (wasWelcomed) {
      heardMs = session.conversation.heardMs;
      pauseMs = FIRST_PAUSE_MS;
    }
    await pause(pauseMs, signal);
    pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS);
  }
}

/** Sees one session through: leaves when aborted, gives up if nobody ever answers. */
async function attend(
  session: DealerSession,
  { leftMs, signal }: { leftMs: number; signal: AbortSignal | undefined },
): Promise<{ end: SessionEnd; wasWelcomed: boolean }> {
  let wasWelcomed = false;
  const leave = (): void => session.leave("stopped");
  signal?.addEventListener("abort", leave, { once: true });
  // Timers of Node.js end at 2^31 ms; that is "for ever" here.
  const patience =
    leftMs < 2 ** 31 ? setTimeout(() => session.abandon("no runtime answered"), leftMs) : undefined;
  void session.welcomed.then(() => {
    wasWelcomed = true;
    clearTimeout(patience);
  });
  try {
    return { end: await session.ended, wasWelcomed };
  } finally {
    clearTimeout(patience);
    signal?.removeEventListener("abort", leave);
  }
}

/** The error anew, so that its stack shows who waited. */
function refusal(error: PeerError): PeerError {
  Error.captureStackTrace(error, keepDialling);
  return error;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done, { once: true });
  });
}

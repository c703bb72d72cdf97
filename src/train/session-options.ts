import type { SessionOptions } from "../session/index.ts";

/** How sessions of training are opened, unless a run says otherwise. */
export function trainingSession(session: SessionOptions = {}): SessionOptions {
  // Masked softmax makes denormals, which are slow in it and in everything after it.
  return { denormalsAsZero: true, allowSpinning: true, planMemory: false, ...session };
}

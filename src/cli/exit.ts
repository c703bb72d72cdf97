/**
 * Exit codes of `efference`, the same for every command.
 *
 * | code | meaning |
 * | --- | --- |
 * | 0 | done |
 * | 1 | something failed; stderr says what and what it must be |
 * | 2 | the command line is wrong |
 * | 3 | the evaluation finished, but episodes crashed or could not be recorded |
 * | 130 | interrupted (Ctrl-C); an evaluation can be resumed |
 */
export const EXIT = { ok: 0, failed: 1, usage: 2, incomplete: 3, interrupted: 130 } as const;

/** An error of the person at the keyboard: printed without a stack, exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Ctrl-C and SIGTERM as an AbortSignal; a second Ctrl-C ends the process at once. */
export function interruptSignal(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Interrupted());
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return {
    signal: controller.signal,
    dispose() {
      process.removeListener("SIGINT", onSignal);
      process.removeListener("SIGTERM", onSignal);
    },
  };
}

/**
 * For a worker under a supervisor: told to leave by SIGTERM, or by the end of the supervisor, however
 * it came about. A Ctrl-C reaches the whole process group and is the supervisor's to answer.
 */
export function supervisorSignal(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const leave = (): void => controller.abort(new Interrupted());
  const ignore = (): void => undefined;
  const echo = (message: unknown): void => {
    if (process.connected) process.send?.(message, undefined, undefined, ignore);
  };
  process.on("SIGTERM", leave);
  process.on("SIGINT", ignore);
  process.on("disconnect", leave);
  process.on("message", echo);
  if (!process.connected) leave();
  return {
    signal: controller.signal,
    dispose() {
      process.removeListener("SIGTERM", leave);
      process.removeListener("SIGINT", ignore);
      process.removeListener("disconnect", leave);
      // With its last listener gone the pipe no longer keeps this process alive.
      process.removeListener("message", echo);
    },
  };
}

export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor() {
    super("Interrupted");
  }
}

import { messageOf } from "../core/index.ts";

/** A recording cannot go on: the disk is full, the file exists, the device is gone. */
export class RecordingError extends Error {
  readonly path: string;
  /** The system's name of the cause, for instance `ENOSPC`; undefined where it has none. */
  readonly code: string | undefined;

  constructor(action: string, details: { path: string; cause: unknown }) {
    const code = codeOf(details.cause);
    super(`Cannot ${action} "${details.path}": ${reasonOf(code, details.cause)}`, {
      cause: details.cause,
    });
    this.name = "RecordingError";
    this.path = details.path;
    this.code = code;
  }
}

function codeOf(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "no space is left on the disk, must have some",
  EDQUOT: "the disk quota is used up, must have some left",
  EEXIST: "the file exists, must be new",
  ENOENT: "its folder is missing, must exist",
  EACCES: "access is denied, must be writable",
  EROFS: "the file system is read-only, must be writable",
};

function reasonOf(code: string | undefined, cause: unknown): string {
  if (code !== undefined && Object.hasOwn(REASONS, code)) return `${REASONS[code]!} (${code})`;
  return messageOf(cause);
}

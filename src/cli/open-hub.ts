import { readFileSync } from "node:fs";
import type { Hub } from "../../sim-bridge/index.ts";
import { createHub } from "../../sim-bridge/index.ts";
import { UsageError } from "./exit.ts";

export interface OpenHubOptions {
  readonly endpoint: string;
  readonly stepTimeoutS: number;
  readonly log?: (line: string) => void;
  readonly serverKeyFile?: string;
  readonly allowKeys?: readonly string[];
}

/**
 * A hub with the CLI's settings; beyond loopback it needs CURVE keys.
 *
 * @throws {UsageError} for an endpoint or keys that cannot be used
 */
export async function openHub(options: OpenHubOptions): Promise<Hub> {
  const { serverKeyFile, allowKeys = [] } = options;
  if ((serverKeyFile === undefined) !== (allowKeys.length === 0)) {
    throw new UsageError(
      "Cannot use CURVE: only one of --server-key-file and --allow-key is given, must be both",
    );
  }
  const curve =
    serverKeyFile === undefined
      ? {}
      : { curve: { ...readKeyPair(serverKeyFile), allowedClientKeys: allowKeys } };
  try {
    return await createHub({
      endpoint: options.endpoint,
      requestTimeoutMs: options.stepTimeoutS * 1000,
      ...(options.log === undefined ? {} : { log: options.log }),
      ...curve,
    });
  } catch (error) {
    // An address that is none, one open to everybody, a key that is none: what the person typed.
    if (error instanceof RangeError) throw new UsageError(error.message, { cause: error });
    throw error;
  }
}

/** Reads `{ "publicKey": Z85, "secretKey": Z85 }`, as `efference keys` writes it. */
export function readKeyPair(path: string): { publicKey: string; secretKey: string } {
  const value = parsedFile(path);
  if (typeof value === "object" && value !== null) {
    const { publicKey, secretKey } = value as Record<string, unknown>;
    if (isZ85Key(publicKey) && isZ85Key(secretKey)) return { publicKey, secretKey };
  }
  throw new UsageError(
    `Cannot read the CURVE key pair ${path}: it must be JSON with publicKey and secretKey, 40 Z85 characters each`,
  );
}

/** Undefined where there is no such file, or no JSON in it. */
function parsedFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function isZ85Key(value: unknown): value is string {
  return typeof value === "string" && value.length === 40;
}

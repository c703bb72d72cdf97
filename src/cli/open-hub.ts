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

/** A hub with the CLI's settings; beyond loopback it needs CURVE keys. */
export async function openHub(options: OpenHubOptions): Promise<Hub> {
  const { serverKeyFile, allowKeys } = options;
  return createHub({
    endpoint: options.endpoint,
    requestTimeoutMs: options.stepTimeoutS * 1000,
    ...(options.log === undefined ? {} : { log: options.log }),
    ...(serverKeyFile === undefined
      ? {}
      : { curve: { ...readKeyPair(serverKeyFile), allowedClientKeys: allowKeys ?? [] } }),
  });
}

/** Reads `{ "publicKey": Z85, "secretKey": Z85 }`, as `efference doctor --make-keys` style tools write it. */
export function readKeyPair(path: string): { publicKey: string; secretKey: string } {
  const value: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (typeof value === "object" && value !== null) {
    const { publicKey, secretKey } = value as Record<string, unknown>;
    if (isZ85Key(publicKey) && isZ85Key(secretKey)) return { publicKey, secretKey };
  }
  throw new UsageError(
    `Cannot read the CURVE key pair ${path}: it must be JSON with publicKey and secretKey, 40 Z85 characters each`,
  );
}

function isZ85Key(value: unknown): value is string {
  return typeof value === "string" && value.length === 40;
}

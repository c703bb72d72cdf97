import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import protobuf from "protobufjs";

/**
 * Identifies the meaning of the wire: the first 16 hexadecimal digits of the SHA-256 of the schema
 * text with its comments removed and its white space normalised (protocol.md, "Fingerprint").
 */
export function schemaFingerprint(schemaText: string): string {
  const normalised = schemaText
    .replace(/\/\/[^\n]*/g, "")
    .replace(/[ \t\r\n]+/g, " ")
    .replace(/^ | $/g, "");
  return createHash("sha256").update(normalised, "utf8").digest("hex").slice(0, 16);
}

const schemaText = readFileSync(new URL("./efference.proto", import.meta.url), "utf8");

/** Fingerprint of the schema this program was built with. */
export const SCHEMA_FINGERPRINT = schemaFingerprint(schemaText);

/** The envelope's protobuf type, with its encoder and decoder compiled on first use. */
export const envelopeType = protobuf.parse(schemaText).root.lookupType("efference.v1.Envelope");

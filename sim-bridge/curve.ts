import type { Context } from "zeromq";
import { Reply, curveKeyPair } from "zeromq";

/** Keys are Z85 text of 40 characters (32 bytes), as ZeroMQ's tools print them. */
export interface CurveKeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

/** The listening side: its own pair, and whom it lets in. */
export interface CurveServer extends CurveKeyPair {
  /** Public keys of the peers that may dial in; nobody else is answered. */
  readonly allowedClientKeys: readonly string[];
}

/** The dialling side: its own pair, and whom it expects to find. */
export interface CurveClient extends CurveKeyPair {
  readonly serverPublicKey: string;
}

/** A fresh CURVE25519 pair. Give the public key away, keep the secret one in a file only you can read. */
export function makeCurveKeys(): CurveKeyPair {
  return curveKeyPair();
}

const Z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";
const KEY_CHARACTERS = 40;

/** The 32 bytes of a key (ZeroMQ RFC 32). @throws {RangeError} for anything but 40 Z85 characters */
export function decodeKey(text: string): Buffer {
  const bytes = Buffer.alloc((KEY_CHARACTERS / 5) * 4);
  for (let i = 0; i < KEY_CHARACTERS; i += 5) {
    let word = text.length === KEY_CHARACTERS ? 0 : NaN;
    for (const character of text.slice(i, i + 5)) {
      const digit = Z85.indexOf(character);
      word = digit < 0 ? NaN : word * 85 + digit;
    }
    if (!(word < 2 ** 32)) {
      // The text itself stays out of the message: it might be a secret key.
      throw new RangeError(
        `Cannot read a CURVE key: it has ${text.length} characters, must be ${KEY_CHARACTERS} of Z85`,
      );
    }
    bytes.writeUInt32BE(word, (i / 5) * 4);
  }
  return bytes;
}

/**
 * Answers ZeroMQ's authentication requests (RFC 27, ZAP) of one context: only peers that hold the
 * secret key to one of `allowedKeys` get in. Stops when `close` is called.
 */
export async function guardContext(
  context: Context,
  options: { allowedKeys: readonly string[]; onRefused: (address: string) => void },
): Promise<{ close(): void }> {
  const allowed = new Set(options.allowedKeys.map((key) => decodeKey(key).toString("hex")));
  const handler = new Reply({ context, linger: 0 });
  await handler.bind("inproc://zeromq.zap.01");
  const answer = async (): Promise<void> => {
    for await (const request of handler) {
      const [version, requestId, , address, , mechanism, key] = request;
      const welcome =
        mechanism?.toString() === "CURVE" && key !== undefined && allowed.has(key.toString("hex"));
      if (!welcome) options.onRefused(address?.toString() ?? "");
      const [status, text] = welcome ? ["200", "OK"] : ["400", "this key is not allowed"];
      await handler.send([version ?? "1.0", requestId ?? "", status, text, "", ""]);
    }
  };
  // The loop ends, and may fail, when the socket closes; nothing is left to be done then.
  answer().catch(() => undefined);
  return { close: () => handler.close() };
}

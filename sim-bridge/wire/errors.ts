/** Why a message was refused; the same strings travel in `Error.code` (protocol.md, "Error codes"). */
export type WireErrorCode =
  "protocol_version" | "malformed" | "bad_tensor" | "bad_value" | "non_finite" | "too_large";

const CLASS_OF = {
  protocol_version: RangeError,
  malformed: SyntaxError,
  bad_tensor: TypeError,
  bad_value: RangeError,
  non_finite: RangeError,
  too_large: RangeError,
} as const satisfies Record<WireErrorCode, ErrorConstructor>;

/** A `SyntaxError` (bytes), `TypeError` (tensors) or `RangeError` (values) with the code of its kind. */
export type WireError = Error & { readonly code: WireErrorCode };

export function wireError(code: WireErrorCode, message: string, cause?: unknown): WireError {
  const error = new CLASS_OF[code](message, cause === undefined ? undefined : { cause });
  return Object.assign(error, { code });
}

/** The code of an error thrown by the codec; `undefined` for any other error. */
export function wireErrorCode(error: unknown): WireErrorCode | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const { code } = error;
  return typeof code === "string" && Object.hasOwn(CLASS_OF, code)
    ? (code as WireErrorCode)
    : undefined;
}

/** WebAssembly whose bytes are part of the source. */

/**
 * A module that is compiled at the first call.
 *
 * @param base64 its bytes
 */
export function lazyModule(base64: string): () => WebAssembly.Module {
  let compiled: WebAssembly.Module | undefined;
  return () => {
    compiled ??= new WebAssembly.Module(
      Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)),
    );
    return compiled;
  };
}

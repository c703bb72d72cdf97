/** Whether WebGL is drawn by the processor here: then every sample of a pixel costs, above all multisampling. */

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Asks a context that is thrown away, for the answer decides how the real one is made. */
export function isSoftwareRendered(): boolean {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (gl === null) return false;
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name: unknown = gl.getParameter(info?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER);
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return typeof name === "string" && SOFTWARE.test(name);
}

/**
 * What can be said about tensors without computing: dtypes and their sizes, 16-bit floats, and strided
 * views that slice, transpose and broadcast without copies; images turned around. Pure; arithmetic is the session's business.
 */
export * from "./dtype.ts";
export * from "./flip-image.ts";
export * from "./float16.ts";
export * from "./view.ts";

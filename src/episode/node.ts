/** Episodes on a machine with a disk: everything of `index.ts`, the writer, local files, PNG. */
export * from "./index.ts";
export { createEpisodeWriter } from "./writer.ts";
export type { EpisodeWriter, EpisodeWriterOptions } from "./writer.ts";
export { RecordingError } from "./recording-error.ts";
export { fileSource } from "./node-source.ts";
export type { FileSource } from "./node-source.ts";
export { listEpisodes } from "./list.ts";
export type { EpisodeListCache, ListedEpisode, ListEpisodesOptions } from "./list.ts";
export { decodePng, encodePng, encodePngAsync } from "./png.ts";
export type { PngOptions, RasterImage } from "./png.ts";
export * from "./dataset/index.ts";
export * from "./hdf5/index.ts";
export * from "./lerobot/index.ts";

/**
 * Episodes: what was seen, thought and done, as MCAP files. This entry is the reading half and runs in
 * browsers; `node.ts` has the writer and local files. Knows no policy, no simulator and no page.
 */
export * from "./types.ts";
export { openEpisode } from "./reader.ts";
export { readSummary } from "./summary.ts";
export { blobSource, httpSource, memorySource } from "./sources.ts";

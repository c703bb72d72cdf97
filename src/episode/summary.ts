import { ByteWindow } from "./byte-window.ts";
import { EpisodeContents } from "./episode-contents.ts";
import { readEpisodeMetadata, readSummarySection } from "./indexed.ts";
import { malformed } from "./mcap/cursor.ts";
import {
  hasMagic,
  parseChannel,
  parseMessageIndex,
  parseMetadata,
  parseSchema,
} from "./mcap/parse.ts";
import { LIMITS, MAGIC, OPCODE, RECORD_PREFIX_BYTES } from "./mcap/records.ts";
import type { ByteSource, EpisodeHeader, EpisodeSummary } from "./types.ts";

/** Room for the header record and the metadata of an episode. */
const HEAD_BYTES = 16 * 1024;

/**
 * What an episode list needs, from the head and the tail of the file. A file without an end is walked
 * from record to record, without reading a chunk. The header comes without its scene.
 *
 * @throws {SyntaxError} if the bytes are not an episode
 */
export async function readSummary(source: ByteSource): Promise<EpisodeSummary> {
  const size = await source.size();
  const window = new ByteWindow(source, size, HEAD_BYTES);
  if (!hasMagic(await window.upTo(0, MAGIC.length))) {
    throw malformed("its first bytes are not MCAP's, must be");
  }
  return (await summaryByIndex(source, window)) ?? (await summaryByWalk(source, size));
}

async function summaryByIndex(
  source: ByteSource,
  window: ByteWindow,
): Promise<EpisodeSummary | undefined> {
  const contents = new EpisodeContents();
  const summary = await readSummarySection(source, window.size, contents);
  if (summary === undefined) return undefined;
  await readEpisodeMetadata(window, summary, contents);
  const { end } = contents;
  const header = headerOf(contents);
  const counts = summary.statistics?.channelMessageCounts;
  if (end === undefined || counts === undefined) return undefined;
  return {
    header,
    outcome: end.outcome,
    steps: end.steps,
    durationS: Number(end.durationNs) / 1e9,
    cameras: [...contents.cameras].filter(([, id]) => counts.has(id)).map(([camera]) => camera),
    complete: true,
  };
}

function headerOf(contents: EpisodeContents): EpisodeHeader {
  if (contents.header === undefined) throw malformed('it has no metadata "episode", must have');
  return contents.header;
}

/** Counts steps by the message indexes behind the chunks. */
async function summaryByWalk(source: ByteSource, size: number): Promise<EpisodeSummary> {
  const contents = new EpisodeContents();
  const window = new ByteWindow(source, size, HEAD_BYTES);
  const seen = { steps: 0, lastTime: 0n, cameras: new Set<number>() };
  for (let at = MAGIC.length; at + RECORD_PREFIX_BYTES <= size;) {
    const prefix = await window.read(at, RECORD_PREFIX_BYTES);
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.byteLength);
    const opcode = view.getUint8(0);
    const length = view.getUint32(5, true) * 2 ** 32 + view.getUint32(1, true);
    const body = at + RECORD_PREFIX_BYTES;
    if (opcode === 0 || opcode === OPCODE.dataEnd || body + length > size) break;
    if (isWalked(opcode)) {
      if (length > LIMITS.recordBytes) throw malformed("a record is too large");
      walkRecord({ opcode, body: await window.read(body, length) }, contents, seen);
    }
    at = body + length;
  }
  const header = headerOf(contents);
  const cameras = [...contents.cameras].filter(([, id]) => seen.cameras.has(id));
  const durationNs = seen.steps > 0 ? seen.lastTime - header.startedNs : 0n;
  return {
    header,
    ...(contents.end === undefined ? {} : { outcome: contents.end.outcome }),
    steps: seen.steps,
    durationS: Number(durationNs) / 1e9,
    cameras: cameras.map(([camera]) => camera),
    complete: false,
  };
}

function isWalked(opcode: number): boolean {
  return (
    opcode === OPCODE.schema ||
    opcode === OPCODE.channel ||
    opcode === OPCODE.metadata ||
    opcode === OPCODE.messageIndex
  );
}

function walkRecord(
  { opcode, body }: { readonly opcode: number; readonly body: Uint8Array },
  contents: EpisodeContents,
  seen: { steps: number; lastTime: bigint; readonly cameras: Set<number> },
): void {
  if (opcode === OPCODE.schema) contents.addSchema(parseSchema(body));
  else if (opcode === OPCODE.channel) contents.addChannel(parseChannel(body));
  else if (opcode === OPCODE.metadata) contents.addMetadata(parseMetadata(body));
  else {
    const { channelId, entries } = parseMessageIndex(body);
    const role = contents.roleOf(channelId);
    if (role === "image") seen.cameras.add(channelId);
    if (role !== "step") return;
    seen.steps += entries.length;
    for (const { logTime } of entries) if (logTime > seen.lastTime) seen.lastTime = logTime;
  }
}

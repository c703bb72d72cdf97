import { ByteWindow } from "./byte-window.ts";
import { EpisodeContents } from "./episode-contents.ts";
import { describeForeign } from "./foreign.ts";
import { ImageStore } from "./image-store.ts";
import {
  isFullyIndexed,
  readEpisodeMetadata,
  readIndexedChunks,
  readSummarySection,
} from "./indexed.ts";
import { malformed } from "./mcap/cursor.ts";
import { hasMagic } from "./mcap/parse.ts";
import { MAGIC } from "./mcap/records.ts";
import { scan } from "./scan.ts";
import type {
  ByteSource,
  EncodedImage,
  EpisodeEvent,
  EpisodeHeader,
  EpisodeOutcome,
  EpisodeReader,
  ImagePlace,
  RecordedDecision,
  RecordedStep,
} from "./types.ts";

/**
 * Opens an episode. A complete file is read by its index; one that is still being written, or was cut
 * off, from its beginning up to the last whole record. Images are read when they are asked for.
 *
 * An MCAP file of another writer opens if it has foxglove.CompressedImage channels: every image of the
 * busiest camera counts as one step, and the header says what is known.
 *
 * @throws {SyntaxError} if the bytes are not an episode
 */
export async function openEpisode(source: ByteSource): Promise<EpisodeReader> {
  const reader = new McapEpisodeReader(source);
  await reader.load();
  return reader;
}

class McapEpisodeReader implements EpisodeReader {
  readonly #source: ByteSource;
  #contents = new EpisodeContents();
  #images: ImageStore;
  #decisions: readonly RecordedDecision[] = [];
  #complete = false;
  #damage: string | undefined;
  #position = 0;
  #refreshing: Promise<unknown> = Promise.resolve();

  constructor(source: ByteSource) {
    this.#source = source;
    this.#images = new ImageStore(source);
  }

  get header(): EpisodeHeader {
    const { header, scene } = this.#contents;
    if (header === undefined) throw malformed('it has no metadata "episode", must have');
    return scene === undefined ? header : { ...header, scene };
  }

  get complete(): boolean {
    return this.#complete;
  }

  get damage(): string | undefined {
    return this.#damage;
  }

  get outcome(): EpisodeOutcome | undefined {
    return this.#contents.end?.outcome;
  }

  get steps(): readonly RecordedStep[] {
    return this.#contents.steps;
  }

  get decisions(): readonly RecordedDecision[] {
    return this.#decisions;
  }

  get events(): readonly EpisodeEvent[] {
    return this.#contents.events;
  }

  get cameras(): readonly string[] {
    return [...this.#contents.cameras.keys()];
  }

  async load(): Promise<void> {
    const size = await this.#source.size();
    const head = await this.#source.read(0, Math.min(size, MAGIC.length));
    if (!hasMagic(head)) throw malformed("its first bytes are not MCAP's, must be");
    if (!(await this.#loadIndexed(size))) await this.#scanOn(size);
    if (this.#contents.header === undefined) await describeForeign(this.#contents, this.#images);
    this.#afterReading();
  }

  poses(step: number): Float64Array | undefined {
    const at = this.#indexOfStep(step);
    return this.steps[at]?.step === step
      ? this.#contents.poses(this.#contents.stepTimes[at]!)
      : undefined;
  }

  async image(camera: string, step: number): Promise<EncodedImage | undefined> {
    const channelId = this.#contents.cameras.get(camera);
    const time = this.#contents.stepTimes[this.#indexOfStep(step)];
    if (channelId === undefined || time === undefined) return undefined;
    const image = await this.#images.find(channelId, time);
    if (image === undefined) return undefined;
    const format = image.format === "jpg" ? "jpeg" : image.format;
    if (format !== "png" && format !== "jpeg") {
      throw malformed(`an image of "${camera}" is ${format}, must be png or jpeg`);
    }
    return { format, bytes: image.bytes, step: this.#stepAt(image.logTime) };
  }

  async imagePlaces(camera: string): Promise<readonly (ImagePlace | undefined)[] | undefined> {
    const channelId = this.#contents.cameras.get(camera);
    if (channelId === undefined) return this.steps.map(() => undefined);
    const places = await this.#images.places(channelId);
    return places && this.#contents.stepTimes.map((time) => places.get(time));
  }

  refresh(): Promise<boolean> {
    // One at a time: two scans would hand the same messages on twice.
    const refreshed = this.#refreshing.then(() => this.#readOn());
    this.#refreshing = refreshed.catch(() => undefined);
    return refreshed;
  }

  async #readOn(): Promise<boolean> {
    if (this.#complete || this.#damage !== undefined) return false;
    const before = this.#position;
    const size = await this.#source.size();
    if (size <= before) return false;
    await this.#scanOn(size);
    this.#afterReading();
    return this.#position > before || this.complete;
  }

  /** False if the file has no index (yet), or has messages that it does not list. */
  async #loadIndexed(size: number): Promise<boolean> {
    const summary = await readSummarySection(this.#source, size, this.#contents);
    if (summary === undefined || !isFullyIndexed(summary)) {
      this.#contents = new EpisodeContents();
      return false;
    }
    const window = new ByteWindow(this.#source, size, 8 * 1024);
    const target = { contents: this.#contents, images: this.#images };
    await readEpisodeMetadata(window, summary, this.#contents);
    await readIndexedChunks({ source: this.#source, size }, summary, target);
    this.#complete = true;
    this.#position = size;
    return true;
  }

  /**
   * Damage ends the scan: what comes before it is a whole episode up to there, which is what a file looks
   * like after a power cut.
   */
  async #scanOn(size: number): Promise<void> {
    const window = new ByteWindow(this.#source, size);
    const target = { contents: this.#contents, images: this.#images };
    const progress = { position: this.#position, ended: false };
    try {
      await scan(window, progress, target);
      this.#complete = progress.ended;
    } catch (error) {
      if (!(error instanceof SyntaxError) || this.#contents.header === undefined) throw error;
      this.#damage = error.message;
    } finally {
      this.#position = progress.position;
    }
  }

  #afterReading(): void {
    if (this.#contents.header === undefined) throw malformed('it has no metadata "episode"');
    this.#decisions = this.#contents.decisions(this.#contents.end !== undefined);
  }

  /** Index of the last recorded step that is not later than `step`; -1 before the first. */
  #indexOfStep(step: number): number {
    return lastIndex(this.steps, (recorded) => recorded.step <= step);
  }

  #stepAt(logTime: bigint): number {
    const at = lastIndex(this.#contents.stepTimes, (time) => time <= logTime);
    return this.steps[Math.max(0, at)]?.step ?? 0;
  }
}

/** The last index of an ascending list for which `holds`; -1 if there is none. */
function lastIndex<Item>(items: readonly Item[], holds: (item: Item) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(items[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Makes the images of batches: read, decode, resize, keep, augment, crop. Runs in any thread. */
import type { ImageSpec } from "../../core/index.ts";
import { seeded } from "../../core/index.ts";
import type { FrameSource, FrameSourceDescription } from "../../episode/node.ts";
import { assertImageShape, openFrameSource } from "../../episode/node.ts";
import type { Augmentation, AugmentOptions, ImageShape } from "./augment.ts";
import { augmentInto, cropped, drawAugmentation } from "./augment.ts";
import type { FrameCacheMemory } from "./frame-cache.ts";
import { FrameCache } from "./frame-cache.ts";
import type { PlanPosition } from "./plan.ts";
import type { Resizer } from "./resize.ts";
import { createResizer } from "./resize.ts";

/** Plain data that may be posted to a thread. */
export interface ImageSetup {
  readonly sources: readonly FrameSourceDescription[];
  /** `inputs[source][camera]`: what the files hold. */
  readonly inputs: readonly (readonly ImageSpec[])[];
  /** After resizing, by camera: what the cache holds. */
  readonly kept: readonly ImageSpec[];
  /** What batches hold, by camera; smaller than what is kept if images are cropped. */
  readonly outputs: readonly ImageSpec[];
  readonly augment: AugmentOptions | undefined;
  /** Whether crops are at a random place; else at the centre. */
  readonly randomCrop: boolean;
  readonly seed: number | string;
  readonly cache: FrameCacheMemory;
}

export interface ImageJob {
  readonly windows: readonly ImageWindow[];
}

/** One window's images: those of its steps, oldest first. */
export interface ImageWindow {
  readonly source: number;
  readonly episode: number;
  readonly steps: readonly number[];
  /** Steps of the episode. */
  readonly length: number;
  /** Number of the episode's step 0 among the steps of all datasets. */
  readonly firstSlot: number;
  readonly position: PlanPosition;
}

export interface MadeImages {
  /** By camera: `uint8[windows, steps, height, width, channels]`. */
  readonly images: readonly Uint8Array<ArrayBuffer>[];
  /** How many had to be read and decoded. */
  readonly decoded: number;
}

export class ImageMaker {
  readonly #setup: ImageSetup;
  readonly #sources: readonly FrameSource[];
  readonly #resizers: readonly (readonly Resizer[])[];
  readonly #cache: FrameCache;
  readonly #reading = new Map<string, Promise<void>>();
  #decoded = 0;

  constructor(setup: ImageSetup) {
    this.#setup = setup;
    this.#sources = setup.sources.map(openFrameSource);
    this.#resizers = setup.inputs.map((inputs) =>
      inputs.map((input, camera) => createResizer(input, setup.kept[camera]!)),
    );
    this.#cache = new FrameCache(setup.cache);
  }

  /**
   * @throws {SyntaxError} if an image is damaged
   * @throws {TypeError} if an image has another size than its dataset says
   */
  async make({ windows }: ImageJob): Promise<MadeImages> {
    const steps = windows[0]?.steps.length ?? 0;
    const sizes = this.#setup.outputs.map(sizeOf);
    const images = sizes.map((size) => new Uint8Array(windows.length * steps * size));
    const before = this.#decoded;
    const fill = async (window: ImageWindow, at: number, camera: number): Promise<void> => {
      const size = sizes[camera]!;
      const change = this.#change(window, camera);
      for (const [i, step] of window.steps.entries()) {
        const kept = this.#cache.get(window.firstSlot + step, camera);
        const image = kept ?? (await this.#read(window, step, camera));
        const start = (at * steps + i) * size;
        const output = images[camera]!.subarray(start, start + size);
        const [from, shape] = [this.#setup.kept[camera]!, this.#setup.outputs[camera]!];
        augmentInto(output, image, { from, shape, change });
      }
    };
    // Files are read side by side; whatever fails first is the failure of all, after the rest has ended.
    const fills = windows.flatMap((window, at) =>
      images.map((_, camera) => fill(window, at, camera)),
    );
    const failed = (await Promise.allSettled(fills)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    return { images, decoded: this.#decoded - before };
  }

  async close(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.close()));
  }

  async #read(window: ImageWindow, step: number, camera: number): Promise<Uint8Array> {
    const slot = window.firstSlot + step;
    if (this.#sources[window.source]!.wholeEpisodes && this.#cache.holds(slot)) {
      await this.#readEpisode(window, camera);
      const kept = this.#cache.get(slot, camera);
      if (kept !== undefined) return kept;
    }
    return this.#readOne(window, step, camera);
  }

  /** Keeps all images of an episode for which there is room; windows of one batch share the work. */
  #readEpisode(window: ImageWindow, camera: number): Promise<void> {
    const name = `${window.firstSlot}/${camera}`;
    const known = this.#reading.get(name);
    if (known !== undefined) return known;
    const read = async (): Promise<void> => {
      for (let step = 0; step < window.length; step++) {
        const slot = window.firstSlot + step;
        const wanted = this.#cache.holds(slot) && this.#cache.get(slot, camera) === undefined;
        if (wanted) await this.#readOne(window, step, camera);
      }
    };
    const reading = read().finally(() => this.#reading.delete(name));
    this.#reading.set(name, reading);
    return reading;
  }

  async #readOne(window: ImageWindow, step: number, camera: number): Promise<Uint8Array> {
    const { source, episode, firstSlot } = window;
    const input = this.#setup.inputs[source]![camera]!;
    const image = await this.#sources[source]!.read(episode, step, input.name);
    assertImageShape(image, input);
    const { data } = this.#resizers[source]![camera]!.resize(image);
    this.#cache.put(firstSlot + step, camera, data);
    this.#decoded++;
    return data;
  }

  /** The same for all steps of a window, so that motion between them stays what it is. */
  #change({ position }: ImageWindow, camera: number): Augmentation {
    const { augment = {}, seed, kept, outputs, randomCrop } = this.#setup;
    const { epoch, index } = position;
    const rng = seeded(seed)
      .split("augment")
      .split(epoch)
      .split(index)
      .split(outputs[camera]!.name);
    const sizes = { from: kept[camera]!, shape: outputs[camera]! };
    return cropped(drawAugmentation(augment, rng), sizes, randomCrop ? rng : undefined);
  }
}

function sizeOf({ height, width, channels }: ImageShape): number {
  return height * width * channels;
}

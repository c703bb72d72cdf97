/** Batches made in the background, in an order that is fixed before the start. */
import { actionDim, elementCount } from "../../core/index.ts";
import type { ImageSpec } from "../../core/index.ts";
import { assertCameras, compareDatasetSpecs } from "../../episode/node.ts";
import type { DatasetSpec } from "../../episode/node.ts";
import { checkAugmentOptions } from "./augment.ts";
import type { WindowShape } from "./cut-windows.ts";
import { cutWindows, observedSteps } from "./cut-windows.ts";
import { allocateFrameCache, FrameCache } from "./frame-cache.ts";
import type { ImageJob, ImageSetup, MadeImages } from "./image-maker.ts";
import type { ImageLane } from "./lanes.ts";
import { closedError, openLocalLane, openThreadLane } from "./lanes.ts";
import type { PlannedBatch, PlanPosition } from "./plan.ts";
import { BatchPlan } from "./plan.ts";
import { assertAlike, loadRows, pickComponents, WindowTable, wordsOf } from "./rows.ts";
import { createResizer } from "./resize.ts";
import type {
  Batch,
  BatchLoader,
  BatchLoaderOptions,
  BatchSpec,
  ByteArray,
  LoaderUsage,
} from "./types.ts";

const DEFAULT_PREFETCH = 4;
const DEFAULT_CACHE_BYTES = 2 ** 30;

/**
 * Opens an endless stream of batches. Proprio and actions are read here, images while the stream runs.
 *
 * @throws {RangeError} if an option makes no sense, a camera or component is missing, or nothing is left
 * @throws {SpecMismatchError} if the datasets differ in what is loaded
 */
export async function openBatchLoader(options: BatchLoaderOptions): Promise<BatchLoader> {
  checkOptions(options);
  const spec = commonSpec(options);
  const tables: WindowTable[] = [];
  let steps = 0;
  for (const part of options.datasets) {
    const rows = await loadRows(part, { components: spec.proprio, firstSlot: steps });
    tables.push(new WindowTable(rows));
    steps += tables.at(-1)!.windows;
  }
  const plan = new BatchPlan({
    parts: options.datasets.map(({ weight }, i) => ({
      windows: tables[i]!.windows,
      ...(weight === undefined ? {} : { weight }),
    })),
    seed: options.seed,
    shuffle: options.shuffle ?? true,
  });
  const setup = await imageSetup(options, spec, steps);
  return new Loader(options, { spec, tables, plan, setup });
}

function checkOptions(options: BatchLoaderOptions): void {
  const { datasets, batchSize, predictHorizon, observeHorizon = 1, cacheBytes = 0 } = options;
  const { observeStride = 1, prefetch = DEFAULT_PREFETCH, threads = 1 } = options;
  if (datasets.length === 0) {
    throw new RangeError("Cannot open loader: there are no datasets, must be at least one");
  }
  const atLeastOne = { batchSize, predictHorizon, observeHorizon, observeStride, prefetch };
  for (const [name, value] of Object.entries(atLeastOne)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new RangeError(
        `Cannot open loader: ${name} is ${value}, must be a whole number from 1`,
      );
    }
  }
  if (!Number.isInteger(threads) || threads < 0 || threads > 64) {
    throw new RangeError(`Cannot open loader: threads is ${threads}, must be from 0 to 64`);
  }
  if (!(cacheBytes >= 0)) {
    throw new RangeError(`Cannot open loader: cacheBytes is ${cacheBytes}, must be from 0`);
  }
  if (options.augment !== undefined) checkAugmentOptions(options.augment);
}

/** What all datasets have of what is to be loaded. */
function commonSpec(options: BatchLoaderOptions): BatchSpec {
  const [first, ...others] = options.datasets;
  const loaded = (spec: DatasetSpec): DatasetSpec => {
    assertCameras(spec, options.cameras);
    const images = options.cameras.map((camera) =>
      cropSize(
        resized(
          spec.images.find(({ name }) => name === camera)!,
          options,
        ),
        options,
      ),
    );
    return { ...spec, images, proprio: pickComponents(spec.proprio, options.proprio) };
  };
  const spec = loaded(first!.dataset.spec);
  for (const { dataset } of others) {
    assertAlike(first!.dataset.name, dataset.name, compareDatasetSpecs(spec, loaded(dataset.spec)));
  }
  return spec;
}

function resized(image: ImageSpec, { resize }: BatchLoaderOptions): ImageSpec {
  return resize === undefined ? image : { ...image, height: resize.height, width: resize.width };
}

/** @throws {RangeError} if the part is larger than the image */
function cropSize(image: ImageSpec, { crop }: BatchLoaderOptions): ImageSpec {
  if (crop === undefined) return image;
  const { height, width } = crop;
  if (height > image.height || width > image.width) {
    throw new RangeError(
      `Cannot crop "${image.name}": the part is ${height} x ${width}, must fit into ${image.height} x ${image.width}`,
    );
  }
  return { ...image, height, width };
}

async function imageSetup(
  options: BatchLoaderOptions,
  spec: BatchSpec,
  steps: number,
): Promise<ImageSetup> {
  const { datasets, cameras, augment, seed, cacheBytes = DEFAULT_CACHE_BYTES } = options;
  const sources = await Promise.all(datasets.map(({ dataset }) => dataset.frameSource(cameras)));
  const [first] = datasets;
  const kept = cameras.map((camera) =>
    resized(
      first!.dataset.spec.images.find(({ name }) => name === camera)!,
      options,
    ),
  );
  const imageBytes = kept.map(({ height, width, channels }) => height * width * channels);
  const inputs = datasets.map(({ dataset }) =>
    cameras.map((camera) => dataset.spec.images.find(({ name }) => name === camera)!),
  );
  // Refuses sizes that cannot be made here, where the caller sees it, and not in a thread.
  for (const images of inputs)
    for (const [i, image] of images.entries()) createResizer(image, kept[i]!);
  return {
    sources,
    inputs,
    kept,
    outputs: spec.images,
    augment,
    randomCrop: options.crop?.random ?? false,
    seed,
    cache: allocateFrameCache(steps, imageBytes, cacheBytes),
  };
}

interface LoaderParts {
  readonly spec: BatchSpec;
  readonly tables: readonly WindowTable[];
  readonly plan: BatchPlan;
  readonly setup: ImageSetup;
}

/** A batch whose images are being made. */
interface Ahead {
  readonly position: PlanPosition;
  readonly planned: PlannedBatch;
  readonly made: Promise<MadeImages>;
}

class Loader implements BatchLoader {
  readonly spec: BatchSpec;
  readonly epochLength: number;
  readonly #parts: LoaderParts;
  readonly #shape: WindowShape;
  readonly #batchSize: number;
  readonly #prefetch: number;
  readonly #lanes: readonly ImageLane[];
  readonly #cache: FrameCache;
  readonly #ahead: Ahead[] = [];
  /** Where the next batch to be started begins. */
  #front: PlanPosition;
  #position: PlanPosition;
  #tail: Promise<unknown> = Promise.resolve();
  #failure: Error | undefined;
  #used = { batches: 0, waitMs: 0, decodedImages: 0 };

  constructor(options: BatchLoaderOptions, parts: LoaderParts) {
    const { observeHorizon = 1, observeStride = 1 } = options;
    const { prefetch = DEFAULT_PREFETCH, threads = 1 } = options;
    const { spec, plan, setup } = parts;
    this.spec = spec;
    this.epochLength = plan.epochLength;
    this.#parts = parts;
    this.#shape = {
      predictHorizon: options.predictHorizon,
      observeHorizon,
      observeStride,
      actionDim: actionDim(spec.action),
      proprioDim: spec.proprio.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    };
    this.#batchSize = options.batchSize;
    this.#prefetch = prefetch;
    this.#front = this.#position = options.start ?? { epoch: 0, index: 0 };
    // Refuses a position that is none before any thread is started.
    plan.batch(this.#front, 1);
    this.#cache = new FrameCache(setup.cache);
    this.#lanes =
      threads === 0 || spec.images.length === 0
        ? [openLocalLane(setup)]
        : Array.from({ length: threads }, () => openThreadLane(setup));
    this.#workAhead();
  }

  get position(): PlanPosition {
    return this.#position;
  }

  get usage(): LoaderUsage {
    const cameras = this.spec.images.length;
    return {
      ...this.#used,
      cachedImages: this.#cache.count(),
      cacheableImages: this.#parts.setup.cache.steps * cameras,
    };
  }

  next(): Promise<Batch> {
    const asked = performance.now();
    const batch = this.#tail.then(() => this.#take(asked));
    this.#tail = batch.catch(() => undefined);
    return batch;
  }

  async close(): Promise<void> {
    this.#failure ??= closedError();
    await Promise.all(this.#lanes.map((lane) => lane.close()));
    await this.#tail;
  }

  async #take(asked: number): Promise<Batch> {
    if (this.#failure !== undefined) throw this.#failure;
    // Never empty: there is work ahead unless something failed.
    const { position, planned, made } = this.#ahead.shift()!;
    const { images, decoded } = await made.catch((error: unknown) => {
      this.#failure ??= error instanceof Error ? error : new Error(String(error));
      throw this.#failure;
    });
    this.#workAhead();
    const waitMs = performance.now() - asked;
    this.#used.batches++;
    this.#used.waitMs += waitMs;
    this.#used.decodedImages += decoded;
    this.#position = planned.next;
    return {
      images: this.#named(images),
      ...cutWindows(this.#parts.tables, planned.windows, this.#shape),
      ...wordsOf(this.#parts.tables, planned.windows),
      position,
      next: planned.next,
      waitMs,
    };
  }

  #workAhead(): void {
    while (this.#failure === undefined && this.#ahead.length < this.#prefetch) {
      const position = this.#front;
      const planned = this.#parts.plan.batch(position, this.#batchSize);
      this.#front = planned.next;
      const lane = this.#lanes.reduce((a, b) => (b.pending < a.pending ? b : a));
      const made = lane.make(this.#jobOf(planned));
      // Awaited when its turn comes; until then a failure is nobody's.
      made.catch(() => undefined);
      this.#ahead.push({ position, planned, made });
    }
  }

  #jobOf({ windows }: PlannedBatch): ImageJob {
    return {
      windows: windows.map(({ part, window, epoch, index }) => {
        const { rows, step } = this.#parts.tables[part]!.at(window);
        return {
          source: part,
          episode: rows.episode.index,
          steps: observedSteps(step, this.#shape),
          length: rows.episode.length,
          firstSlot: rows.firstSlot,
          position: { epoch, index },
        };
      }),
    };
  }

  #named(images: MadeImages["images"]): Record<string, ByteArray> {
    const { observeHorizon } = this.#shape;
    const history = observeHorizon > 1 ? [observeHorizon] : [];
    const named = this.spec.images.map(({ name, height, width, channels }, camera) => {
      const shape = [this.#batchSize, ...history, height, width, channels];
      return [name, { dtype: "uint8" as const, shape, data: images[camera]! }] as const;
    });
    return Object.fromEntries(named);
  }
}

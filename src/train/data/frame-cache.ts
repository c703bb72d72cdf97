/** Decoded images in memory that threads share. */

/** Plain data that may be posted to a thread: all threads then see the same memory. */
export interface FrameCacheMemory {
  /** Bytes of every camera's image, in camera order. */
  readonly imageBytes: readonly number[];
  /** Steps from 0 to here are kept; the others never. */
  readonly steps: number;
  readonly stepsPerSegment: number;
  readonly segments: readonly SharedArrayBuffer[];
  /** One byte per step and camera: 1 once the image is there. */
  readonly ready: SharedArrayBuffer;
}

/** Well below what one buffer may have; the system gives memory when it is first written. */
const SEGMENT_BYTES = 2 ** 28;

/**
 * Room for as many steps as fit. Windows come in random order, every one once per epoch, so no step is
 * likelier than another to come next: keeping a fixed set is as good as can be, and never evicts.
 *
 * @param steps of all datasets together
 * @param imageBytes of every camera's image
 */
export function allocateFrameCache(
  steps: number,
  imageBytes: readonly number[],
  maxBytes: number,
): FrameCacheMemory {
  const stepBytes = imageBytes.reduce((sum, bytes) => sum + bytes, 0);
  const kept = stepBytes === 0 ? 0 : Math.min(steps, Math.floor(maxBytes / stepBytes));
  const stepsPerSegment = Math.max(1, Math.floor(SEGMENT_BYTES / Math.max(1, stepBytes)));
  const segments: SharedArrayBuffer[] = [];
  for (let first = 0; first < kept; first += stepsPerSegment) {
    const count = Math.min(stepsPerSegment, kept - first);
    segments.push(new SharedArrayBuffer(count * stepBytes));
  }
  const ready = new SharedArrayBuffer(kept * imageBytes.length);
  return { imageBytes, steps: kept, stepsPerSegment, segments, ready };
}

/** One thread's view of the shared images. Two threads may store the same image: both write the same bytes. */
export class FrameCache {
  readonly #memory: FrameCacheMemory;
  readonly #ready: Uint8Array;
  readonly #offsets: readonly number[];
  readonly #stepBytes: number;

  constructor(memory: FrameCacheMemory) {
    this.#memory = memory;
    this.#ready = new Uint8Array(memory.ready);
    let sum = 0;
    this.#offsets = memory.imageBytes.map((bytes) => (sum += bytes) - bytes);
    this.#stepBytes = sum;
  }

  /** Whether there is room for a step. */
  holds(step: number): boolean {
    return step < this.#memory.steps;
  }

  /** The image, a view that must not be written to; undefined if it is not there (yet). */
  get(step: number, camera: number): Uint8Array | undefined {
    if (step >= this.#memory.steps) return undefined;
    return Atomics.load(this.#ready, this.#flag(step, camera)) === 1
      ? this.#view(step, camera)
      : undefined;
  }

  /** Keeps the image if its step is one of those that are kept. */
  put(step: number, camera: number, image: Uint8Array): void {
    if (step >= this.#memory.steps) return;
    this.#view(step, camera).set(image);
    Atomics.store(this.#ready, this.#flag(step, camera), 1);
  }

  /** Images that are there. */
  count(): number {
    let count = 0;
    for (const flag of this.#ready) count += flag;
    return count;
  }

  #flag(step: number, camera: number): number {
    return step * this.#memory.imageBytes.length + camera;
  }

  #view(step: number, camera: number): Uint8Array {
    const { imageBytes, segments, stepsPerSegment } = this.#memory;
    const segment = segments[Math.floor(step / stepsPerSegment)]!;
    const offset = (step % stepsPerSegment) * this.#stepBytes + this.#offsets[camera]!;
    return new Uint8Array(segment, offset, imageBytes[camera]);
  }
}

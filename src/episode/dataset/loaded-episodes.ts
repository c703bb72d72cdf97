/** The episodes of a dataset that have been read: each once, when it is first asked for. */
import { assertImageShape } from "./mcap-frames.ts";
import { assertCameras, episodeAt, instructionAt, proprioDim } from "./spec.ts";
import type { Dataset, Frame, FrameRequest, FrameSource, InstructionChange } from "./types.ts";

/** All numbers of an episode. */
export interface EpisodeRows {
  /** `float32[length, actionDim]` */
  readonly actions: Float32Array;
  /** `float32[length, proprioDim]` */
  readonly proprio: Float32Array;
  readonly instructionChanges: readonly InstructionChange[];
}

export class LoadedEpisodes<Rows extends EpisodeRows> {
  readonly #of: Pick<Dataset, "spec" | "episodes">;
  readonly #read: (index: number) => Promise<Rows>;
  readonly #loaded = new Map<number, Promise<Rows>>();

  constructor(of: Pick<Dataset, "spec" | "episodes">, read: (index: number) => Promise<Rows>) {
    this.#of = of;
    this.#read = read;
  }

  /** @throws {RangeError} if there is no such episode; whatever reading it throws, which is tried again when asked again */
  load(index: number): Promise<Rows> {
    episodeAt(this.#of.episodes, index);
    const known = this.#loaded.get(index);
    if (known !== undefined) return known;
    const loading = this.#read(index);
    this.#loaded.set(index, loading);
    // A failed read may succeed later.
    loading.catch(() => this.#loaded.delete(index));
    return loading;
  }

  /** One step with its images. @throws {RangeError} if there is no such episode, step or camera */
  async frame({ episode, step, cameras }: FrameRequest, frames: FrameSource): Promise<Frame> {
    const { spec, episodes } = this.#of;
    const described = episodeAt(episodes, episode, step);
    assertCameras(spec, cameras);
    const images = await Promise.all(
      cameras.map(async (camera) => {
        const image = await frames.read(episode, step, camera);
        assertImageShape(
          image,
          spec.images.find(({ name }) => name === camera)!,
        );
        return [camera, image] as const;
      }),
    );
    const { proprio, instructionChanges } = await this.load(episode);
    const width = proprioDim(spec);
    return {
      images: Object.fromEntries(images),
      proprio: proprio.slice(step * width, (step + 1) * width),
      instruction: instructionAt(described, instructionChanges, step),
    };
  }

  clear(): void {
    this.#loaded.clear();
  }
}

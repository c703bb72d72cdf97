/** An episode that is being played, as the rest of the page knows episodes: nothing is on a disk. */
import type { Decision, NdArray } from "../../../core/index.ts";
import type {
  EncodedImage,
  EpisodeEvent,
  EpisodeHeader,
  EpisodeOutcome,
  EpisodeReader,
  RecordedDecision,
  RecordedStep,
} from "../../../episode/types.ts";
import type { PlayedStep } from "../../play-protocol.ts";

export class PlayedEpisode implements EpisodeReader {
  readonly header: EpisodeHeader;
  readonly steps: RecordedStep[] = [];
  readonly decisions: RecordedDecision[] = [];
  readonly events: EpisodeEvent[] = [];
  readonly cameras: readonly string[];
  readonly #poses: (Float64Array | undefined)[] = [];
  readonly #images: Readonly<Record<string, Uint8Array>>[] = [];
  #outcome: EpisodeOutcome | undefined;
  #grown = false;

  constructor(header: EpisodeHeader, first: PlayedStep) {
    this.header = header;
    this.cameras = Object.keys(first.images);
    this.addStep(first);
  }

  /** True once the end was taken in by `refresh`: nobody asks a complete episode for more. */
  get complete(): boolean {
    return this.#outcome !== undefined && !this.#grown;
  }

  get outcome(): EpisodeOutcome | undefined {
    return this.#outcome;
  }

  addStep({ timeStep, images, action }: PlayedStep): void {
    const { observation, reward, terminated, truncated, success, busyNs, info, poses } = timeStep;
    const { step, stampNs, proprio, texts } = observation;
    this.steps.push({
      step,
      stampNs,
      reward,
      terminated,
      truncated,
      proprio: Object.fromEntries(
        Object.entries(proprio).map(([name, array]) => [name, numbersOf(array)]),
      ),
      texts,
      busyNs,
      ...(success === undefined ? {} : { success }),
      ...(action === undefined ? {} : { action }),
      ...(info === undefined ? {} : { info }),
    });
    this.#poses.push(poses);
    this.#images.push(images);
    this.#grown = true;
  }

  addDecision(step: number, stampNs: bigint, { chunk, thoughts, timing }: Decision): void {
    this.decisions.push({ step, stampNs, chunk, thoughts, timingMs: timing });
    this.#grown = true;
  }

  addEvent(event: EpisodeEvent): void {
    this.events.push(event);
    this.#grown = true;
  }

  end(outcome: EpisodeOutcome): void {
    this.#outcome = outcome;
    this.#grown = true;
  }

  poses(step: number): Float64Array | undefined {
    return this.#poses[step];
  }

  image(camera: string, step: number): Promise<EncodedImage | undefined> {
    for (let at = Math.min(step, this.#images.length - 1); at >= 0; at--) {
      const bytes = this.#images[at]?.[camera];
      if (bytes !== undefined) return Promise.resolve({ format: "png", bytes, step: at });
    }
    return Promise.resolve(undefined);
  }

  imagePlaces(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  refresh(): Promise<boolean> {
    const grown = this.#grown;
    this.#grown = false;
    return Promise.resolve(grown);
  }
}

function numbersOf({ data }: NdArray): Float64Array {
  return Float64Array.from(data as ArrayLike<number | bigint>, Number);
}

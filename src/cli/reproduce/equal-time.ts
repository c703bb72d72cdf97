/** How many updates of one method take as long as one of another. */
import { seeded } from "../../core/index.ts";
import { percentile } from "../../math/index.ts";
import { freshParameters } from "../../onnx/layers/index.ts";
import type { BatchLoader, TrainConfig, Trainable, Updater } from "../../train/index.ts";
import { openUpdater, stepSettings } from "../../train/index.ts";
import type { RunData } from "../../train/train-data.ts";
import { openRunData, openTrainingLoader } from "../../train/train-data.ts";
import { trainableFor } from "../registry.ts";

/** Updates of one turn, and turns of each that are counted, after one that is not. */
const UPDATES_PER_TURN = 10;
const TURNS = 7;
/** Of every one of these updates; what is learned is thrown away. */
const RATE = 1e-4;

/** Processor time of an update, in seconds, of both in turns. */
export interface UpdateTimes {
  readonly reference: number;
  readonly own: number;
}

/**
 * Times updates of two trainings of the same data in turns, so that an hour in which the machine is slow counts for both:
 * times of two cells, trained hours apart, say little. Medians of turns; a turn's mean, as the number of an update's steps may be drawn.
 *
 * @throws {DOMException | Error} the signal's reason
 */
export async function timesInTurns(
  configs: { readonly reference: TrainConfig; readonly own: TrainConfig },
  signal: AbortSignal,
): Promise<UpdateTimes> {
  const data = await openRunData(configs.own);
  const sides: Side[] = [];
  try {
    sides.push(await Side.open(configs.reference, data), await Side.open(configs.own, data));
    for (let turn = 0; turn <= TURNS; turn++) {
      for (const side of sides) {
        signal.throwIfAborted();
        await side.turn();
      }
    }
    const [reference = NaN, own = NaN] = sides.map((side) => side.seconds());
    return { reference, own };
  } finally {
    for (const side of sides) await side.close();
    await data.close();
  }
}

interface SideParts {
  readonly trainable: Trainable;
  readonly updater: Updater;
  readonly loader: BatchLoader;
}

class Side {
  readonly #config: TrainConfig;
  readonly #parts: SideParts;
  /** Seconds of an update, of every turn. */
  readonly #turns: number[] = [];
  #count = 0;

  private constructor(config: TrainConfig, parts: SideParts) {
    this.#config = config;
    this.#parts = parts;
  }

  static async open(config: TrainConfig, data: RunData): Promise<Side> {
    const trainable = (await trainableFor(config.policy))(data.about);
    const { needs } = trainable;
    const start = { epoch: 0, index: 0 };
    const parameters = freshParameters(seeded("weights"));
    const updater = await openUpdater(trainable, parameters, stepSettings(config));
    try {
      const loader = await openTrainingLoader(config, data, { needs, start });
      return new Side(config, { trainable, updater, loader });
    } catch (error) {
      await updater.close();
      throw error;
    }
  }

  async turn(): Promise<void> {
    const { trainable, updater, loader } = this.#parts;
    const before = process.cpuUsage();
    for (let i = 0; i < UPDATES_PER_TURN; i++) {
      const step = ++this.#count;
      const feeds = [trainable.feeds(await loader.next(), seeded(this.#config.seed).split(step))];
      await updater.update([{ feeds, rate: RATE, step }]);
    }
    const { user, system } = process.cpuUsage(before);
    this.#turns.push((user + system) / 1e6 / UPDATES_PER_TURN);
  }

  /** Of an update; the first turn is warming up. */
  seconds(): number {
    return percentile(this.#turns.slice(1), 0.5);
  }

  async close(): Promise<void> {
    await this.#parts.loader.close();
    await this.#parts.updater.close();
  }
}

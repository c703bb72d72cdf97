/**
 * What an episode has to plot: one channel per lane of the timeline, computed once when an episode is
 * opened or has grown. Knows the words of an episode and nothing of pixels.
 */
import type { ComponentSpec } from "../../core/index.ts";
import { elementCount } from "../../core/index.ts";
import type { EpisodeEvent, EpisodeReader, RecordedDecision } from "../../episode/types.ts";
import { axisNames } from "./chunk-path.ts";

/** The groups that lanes are folded by, in the order of the page. */
export type ChannelGroup = "events" | "thoughts" | "action" | "proprio" | "reward" | "latency";

interface ChannelBase {
  readonly group: ChannelGroup;
  readonly name: string;
}

export interface EventsChannel extends ChannelBase {
  readonly kind: "events";
  readonly events: readonly EpisodeEvent[];
}

/** Text thoughts of one tag; a span lasts until another text of the tag, or the end. */
export interface TextChannel extends ChannelBase {
  readonly kind: "text";
  readonly spans: readonly TextSpan[];
}

export interface TextSpan {
  readonly fromStep: number;
  /** Exclusive. */
  readonly toStep: number;
  readonly text: string;
}

/** One number of the action: what was executed, and every prediction of it. */
export interface ActionChannel extends ChannelBase {
  readonly kind: "action";
  readonly unit: string | undefined;
  /** By step: the value that led there; NaN where there is none. */
  readonly executed: Float64Array;
  readonly predictions: readonly Prediction[];
  readonly low: number;
  readonly high: number;
}

/** Row k of a chunk made at `step` is meant for the action that leads to `step + 1 + k`. */
export interface Prediction {
  readonly step: number;
  readonly values: Float64Array;
  /** Rows carried out before the next decision. */
  readonly executed: number;
}

/** Numbers over steps, one or several on one lane. */
export interface SeriesChannel extends ChannelBase {
  readonly kind: "series";
  readonly unit: string | undefined;
  readonly series: readonly Series[];
  readonly low: number;
  readonly high: number;
}

export interface Series {
  readonly label: string;
  /** Ascending. */
  readonly steps: Int32Array;
  readonly values: Float64Array;
}

/** Where the milliseconds of each decision went. */
export interface LatencyChannel extends ChannelBase {
  readonly kind: "latency";
  readonly stages: readonly string[];
  readonly decisions: readonly RecordedDecision[];
  readonly high: number;
}

export type Channel = EventsChannel | TextChannel | ActionChannel | SeriesChannel | LatencyChannel;

/** Every channel that has something to show, in the order of the page. */
export function channelsOf(reader: EpisodeReader): Channel[] {
  return [
    ...eventsChannel(reader),
    ...textChannels(reader),
    ...scalarChannels(reader),
    ...actionChannels(reader),
    ...rewardChannel(reader),
    ...latencyChannel(reader),
    ...proprioChannels(reader),
  ];
}

/** The decision in force at a step: the last one not made later; -1 = none. */
export function decisionAt(decisions: readonly RecordedDecision[], step: number): number {
  let low = 0;
  let high = decisions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (decisions[middle]!.step <= step) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Rows of decision `index` that were carried out before the next one. */
export function executedRows(reader: EpisodeReader, index: number): number {
  const decision = reader.decisions[index];
  if (decision === undefined) return 0;
  const lastStep = reader.steps.at(-1)?.step ?? 0;
  const until = reader.decisions[index + 1]?.step ?? lastStep;
  return decision.executed ?? Math.max(0, Math.min(decision.chunk.horizon, until - decision.step));
}

function eventsChannel({ events }: EpisodeReader): EventsChannel[] {
  return events.length === 0 ? [] : [{ kind: "events", group: "events", name: "events", events }];
}

function textChannels({ decisions, steps }: EpisodeReader): TextChannel[] {
  const byTag = new Map<string, { fromStep: number; toStep: number; text: string }[]>();
  const endStep = (steps.at(-1)?.step ?? 0) + 1;
  for (const { step, thoughts } of decisions) {
    for (const thought of thoughts) {
      if (thought.kind !== "text") continue;
      const spans = byTag.get(thought.tag) ?? [];
      byTag.set(thought.tag, spans);
      const open = spans.at(-1);
      if (open?.text === thought.text) continue;
      if (open !== undefined) open.toStep = step;
      spans.push({ fromStep: step, toStep: endStep, text: thought.text });
    }
  }
  return [...byTag].map(([name, spans]) => ({ kind: "text", group: "thoughts", name, spans }));
}

function scalarChannels({ decisions }: EpisodeReader): SeriesChannel[] {
  const byTag = new Map<string, { steps: number[]; values: number[] }>();
  for (const { step, thoughts } of decisions) {
    for (const thought of thoughts) {
      if (thought.kind !== "scalar") continue;
      const series = byTag.get(thought.tag) ?? { steps: [], values: [] };
      byTag.set(thought.tag, series);
      series.steps.push(step);
      series.values.push(thought.value);
    }
  }
  return [...byTag].map(([name, { steps, values }]) =>
    seriesChannel({ group: "thoughts", name, unit: undefined }, [
      { label: name, steps: Int32Array.from(steps), values: Float64Array.from(values) },
    ]),
  );
}

function actionChannels(reader: EpisodeReader): ActionChannel[] {
  const channels: ActionChannel[] = [];
  let dim = 0;
  for (const component of reader.header.spec.action.components) {
    for (const axis of axisNames(component)) {
      channels.push(actionChannel(reader, { component, axis, dim }));
      dim++;
    }
  }
  return channels;
}

function actionChannel(
  reader: EpisodeReader,
  { component, axis, dim }: { component: ComponentSpec; axis: string; dim: number },
): ActionChannel {
  const lastStep = reader.steps.at(-1)?.step ?? 0;
  const executed = new Float64Array(lastStep + 1).fill(NaN);
  for (const { step, action } of reader.steps) executed[step] = action?.[dim] ?? NaN;
  const predictions = reader.decisions.map(({ step, chunk }, index) => ({
    step,
    executed: executedRows(reader, index),
    values: Float64Array.from(
      { length: chunk.horizon },
      (_, row) => chunk.data[row * chunk.actionDim + dim] ?? NaN,
    ),
  }));
  const range = rangeOf([executed, ...predictions.map(({ values }) => values)]);
  const name = axis === "" ? component.name : `${component.name} ${axis}`;
  return {
    kind: "action",
    group: "action",
    name,
    unit: component.unit,
    executed,
    predictions,
    ...range,
  };
}

function proprioChannels({ header, steps }: EpisodeReader): SeriesChannel[] {
  const channels: SeriesChannel[] = [];
  for (const component of header.spec.observation.proprio) {
    if (component.format === "text" || elementCount(component.shape) > 64) continue;
    const recorded = steps.filter(({ proprio }) => proprio[component.name] !== undefined);
    if (recorded.length === 0) continue;
    const at = Int32Array.from(recorded, ({ step }) => step);
    const series = axisNames(component).map((axis, index) => ({
      label: axis === "" ? component.name : axis,
      steps: at,
      values: Float64Array.from(recorded, ({ proprio }) => proprio[component.name]![index] ?? NaN),
    }));
    const { name, unit } = component;
    channels.push(seriesChannel({ group: "proprio", name, unit }, series));
  }
  return channels;
}

function rewardChannel({ steps }: EpisodeReader): SeriesChannel[] {
  if (!steps.some(({ reward }) => reward !== 0)) return [];
  const series = {
    label: "reward",
    steps: Int32Array.from(steps, ({ step }) => step),
    values: Float64Array.from(steps, ({ reward }) => reward),
  };
  return [seriesChannel({ group: "reward", name: "reward", unit: undefined }, [series])];
}

function latencyChannel({ decisions }: EpisodeReader): LatencyChannel[] {
  const stages = new Set<string>();
  let high = 0;
  for (const { timingMs } of decisions) {
    for (const stage of Object.keys(timingMs)) if (stage !== "totalMs") stages.add(stage);
    high = Math.max(high, totalMs(timingMs));
  }
  if (high === 0) return [];
  return [
    { kind: "latency", group: "latency", name: "latency", stages: [...stages], decisions, high },
  ];
}

/** The whole time of a decision: `totalMs`, or the sum of its stages. */
export function totalMs(timingMs: Readonly<Record<string, number>>): number {
  return timingMs["totalMs"] ?? Object.values(timingMs).reduce((sum, ms) => sum + ms, 0);
}

function seriesChannel(
  base: { group: ChannelGroup; name: string; unit: string | undefined },
  series: readonly Series[],
): SeriesChannel {
  return { kind: "series", ...base, series, ...rangeOf(series.map(({ values }) => values)) };
}

/** The finite range of all values, opened a little where they are equal. */
export function rangeOf(arrays: readonly Float64Array[]): { low: number; high: number } {
  let low = Infinity;
  let high = -Infinity;
  for (const values of arrays) {
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return { low: -1, high: 1 };
  if (low === high)
    return {
      low: low - Math.max(1, Math.abs(low)) / 2,
      high: high + Math.max(1, Math.abs(high)) / 2,
    };
  return { low, high };
}

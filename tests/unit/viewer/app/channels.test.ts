import { describe, expect, it } from "vitest";
import type { Thought } from "../../../../src/core/index.ts";
import type { EpisodeReader, RecordedDecision } from "../../../../src/episode/types.ts";
import type { ActionChannel, Channel, TextChannel } from "../../../../src/viewer/app/channels.ts";
import {
  channelsOf,
  decisionAt,
  executedRows,
  rangeOf,
} from "../../../../src/viewer/app/channels.ts";
import { laneFor } from "../../../../src/viewer/app/lanes/index.ts";
import { inMemoryReader, synthesiseEpisode } from "../../../support/synthetic-episode.ts";

const reader = inMemoryReader(synthesiseEpisode({ images: false }));
const channels = channelsOf(reader);

function channel(name: string): Channel {
  const found = channels.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`there is no channel ${name}`);
  return found;
}

describe("channelsOf()", () => {
  it("has one channel for everything an episode holds, in the order of the page", () => {
    expect(channels.map(({ group, name }) => `${group}/${name}`)).toEqual([
      "events/events",
      "thoughts/plan",
      "thoughts/subtask",
      "thoughts/move",
      "thoughts/energy",
      "thoughts/uncertainty",
      "action/delta_position x",
      "action/delta_position y",
      "action/delta_position z",
      "action/gripper",
      "reward/reward",
      "latency/latency",
      "proprio/eef_position",
      "proprio/gripper_opening",
      "proprio/joint_position",
    ]);
  });
  it("leaves out what is not there", () => {
    const bare: EpisodeReader = {
      ...reader,
      decisions: [],
      events: [],
      steps: reader.steps.map((s) => ({ ...s, reward: 0, proprio: {} })),
    };
    expect(new Set(channelsOf(bare).map(({ group }) => group))).toEqual(new Set(["action"]));
    expect(channelsOf({ ...bare, steps: [] }).length).toBe(4);
  });
  it("puts row k of a chunk at the step it was meant for", () => {
    const x = channel("delta_position x") as ActionChannel;
    expect(x.executed[0]).toBeNaN();
    for (const { step, executed, values } of x.predictions) {
      for (let row = 0; row < executed; row++) expect(x.executed[step + 1 + row]).toBe(values[row]);
    }
  });
  it("joins equal texts into one span that lasts until another replaces it", () => {
    const plan = channel("plan") as TextChannel;
    expect(plan.spans).toEqual([{ fromStep: 0, toStep: 161, text: expect.any(String) as string }]);
    const { spans } = channel("subtask") as TextChannel;
    expect(spans.length).toBeGreaterThan(4);
    for (const [index, span] of spans.entries()) {
      expect(span.toStep).toBe(spans[index + 1]?.fromStep ?? 161);
      expect(span.text).not.toBe(spans[index + 1]?.text);
    }
  });
  it("accepts kinds of thought it does not know", () => {
    const strange = { kind: "dream", tag: "later" } as unknown as Thought;
    const first = { ...reader.decisions[0]!, thoughts: [strange] };
    expect(() => channelsOf({ ...reader, decisions: [first] })).not.toThrow();
  });
});

describe("executedRows()", () => {
  it("is what was recorded, or else the steps until the next decision", () => {
    expect(executedRows(reader, 0)).toBe(8);
    const decisions = reader.decisions.map((decision, index): RecordedDecision =>
      index === 0 ? { ...decision, executed: 5 } : decision,
    );
    expect(executedRows({ ...reader, decisions }, 0)).toBe(5);
    expect(executedRows(reader, reader.decisions.length)).toBe(0);
  });
  it("ends with the episode", () => {
    const short = { ...reader, steps: reader.steps.slice(0, 156) };
    expect(executedRows(short, 19)).toBe(3);
  });
});

describe("decisionAt()", () => {
  it("is the last one not made later", () => {
    const at = [0, 7, 8, 159].map((step) => decisionAt(reader.decisions, step));
    expect(at).toEqual([0, 0, 1, 19]);
    expect(decisionAt([], 5)).toBe(-1);
  });
});

describe("rangeOf()", () => {
  it("ignores what is not finite and opens an empty range", () => {
    expect(rangeOf([Float64Array.of(1, NaN, 3, Infinity)])).toEqual({ low: 1, high: 3 });
    expect(rangeOf([Float64Array.of(4, 4)])).toEqual({ low: 2, high: 6 });
    expect(rangeOf([])).toEqual({ low: -1, high: 1 });
  });
});

describe("laneFor()", () => {
  it("draws every channel there is", () => {
    for (const each of channels) expect(laneFor(each), each.name).toBeDefined();
  });
  it("reads out the value at a step, and what was predicted for it", () => {
    const x = channel("delta_position x");
    expect(laneFor(x)?.describe(x, 12)).toMatch(/^-?\d.*, predicted -?\d.* at step 8$/);
    expect(laneFor(x)?.describe(x, 0)).toBe("none executed");
    const energy = channel("energy");
    expect(laneFor(energy)?.valueAt(energy, 9)).toBe(laneFor(energy)?.valueAt(energy, 15));
    const latency = channel("latency");
    expect(laneFor(latency)?.describe(latency, 3)).toContain("encode");
  });
  it("leads from a thought to where it was made", () => {
    const subtask = channel("subtask");
    expect(laneFor(subtask)?.seekFrom?.(subtask, 55)).toBe(32);
    const events = channel("events");
    expect(laneFor(events)?.seekFrom?.(events, 2)).toBe(0);
    expect(laneFor(events)?.seekFrom?.(events, 20)).toBe(20);
  });
});

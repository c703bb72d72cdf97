import { appendFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { METRICS_FILE, openMetrics } from "../../../src/train/metrics.ts";
import { crc32c, record, scalarEvent } from "../../../src/train/tensorboard.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "efference-metrics-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const rows = (): number[] =>
  readFileSync(join(folder, METRICS_FILE), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { step: number }).step);

describe("metrics.jsonl", () => {
  it("goes on after the checkpoint, without what came later or was torn", () => {
    const first = openMetrics(folder, 0);
    for (const step of [10, 20, 30])
      first.append({ kind: "train", step, epoch: 0, values: { loss: 1 } });
    first.close();
    appendFileSync(join(folder, METRICS_FILE), '{"kind":"train","st');
    const second = openMetrics(folder, 20);
    second.append({ kind: "train", step: 30, epoch: 0, values: { loss: 2 } });
    second.close();
    expect(rows()).toEqual([10, 20, 30]);
    expect(readFileSync(join(folder, METRICS_FILE), "utf8")).toContain('"loss":2');
    expect(readFileSync(join(folder, METRICS_FILE), "utf8").match(/"loss":1/g)).toHaveLength(2);
  });
});

describe("elapsed_s", () => {
  it("counts training alone: a pause before a resume is left out, and so is what was cut off", () => {
    let nowMs = 5_000;
    const clock = (): number => nowMs;
    const first = openMetrics(folder, 0, clock);
    for (const step of [10, 20, 30]) {
      nowMs += 1_500;
      first.append({ kind: "train", step, epoch: 0, values: { loss: 1 } });
    }
    first.close();
    nowMs += 3_600_000;
    const second = openMetrics(folder, 20, clock);
    nowMs += 500;
    second.append({ kind: "train", step: 30, epoch: 0, values: { loss: 1 } });
    second.close();
    const elapsed = readFileSync(join(folder, METRICS_FILE), "utf8")
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { elapsed_s: number }).elapsed_s);
    expect(elapsed).toEqual([1.5, 3, 3.5]);
  });
});

describe("event files", () => {
  it("use Castagnoli's checksum", () => {
    // The check value of CRC-32C, and RFC 3720 B.4: 32 bytes of zeros.
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
  });

  it("are records of length, checksum, data, checksum", () => {
    const bytes = record(Buffer.from("abc"));
    expect(bytes.length).toBe(8 + 4 + 3 + 4);
    expect(bytes.readBigUInt64LE(0)).toBe(3n);
    const unmask = (masked: number): number => {
      const rotated = (masked - 0xa282ead8) >>> 0;
      return ((rotated << 15) | (rotated >>> 17)) >>> 0;
    };
    expect(unmask(bytes.readUInt32LE(8))).toBe(crc32c(bytes.subarray(0, 8)));
    expect(unmask(bytes.readUInt32LE(15))).toBe(crc32c(Buffer.from("abc")));
  });

  it("hold scalars as tensorflow.Event", () => {
    const event = scalarEvent(1.5, 300, { "train/loss": 0.5 });
    // wall_time = 1.5; step = 300; summary { value { tag: "train/loss" simple_value: 0.5 } }
    const hex =
      "09000000000000f83f" +
      "10ac02" +
      "2a13" +
      "0a11" +
      "0a0a" +
      Buffer.from("train/loss").toString("hex") +
      "150000003f";
    expect(event.toString("hex")).toBe(hex);
  });

  it("come one for each start, with the version first", () => {
    openMetrics(folder, 0).close();
    openMetrics(folder, 0).close();
    const names = readdirSync(folder).filter((file) => file.startsWith("events.out.tfevents."));
    expect(names).toHaveLength(2);
    for (const name of names) {
      expect(
        readFileSync(join(folder, name)).toString("latin1").split("brain.Event:2"),
      ).toHaveLength(2);
    }
  });
});

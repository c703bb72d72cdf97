import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatMs,
  formatNumber,
  formatSeconds,
} from "../../../../src/viewer/app/format.ts";

describe("format", () => {
  it("writes numbers in a small width", () => {
    const written = [0, 1, -0.5, 0.01234, 12.345, 123.45, 12345.6, 1.2e-6, 1e9, NaN].map(
      formatNumber,
    );
    expect(written).toEqual([
      "0",
      "1",
      "-0.500",
      "0.012",
      "12.35",
      "123.5",
      "12346",
      "1.2e-6",
      "1.0e+9",
      "–",
    ]);
  });
  it("writes times and sizes", () => {
    expect([3.451, 59.99, 123.4].map(formatSeconds)).toEqual(["3.45 s", "59.99 s", "2:03.4"]);
    expect([0.42, 12.3, 1300].map(formatMs)).toEqual(["0.42 ms", "12 ms", "1.3 s"]);
    expect([12, 12_400, 3_400_000].map(formatBytes)).toEqual(["12 B", "12 kB", "3.4 MB"]);
  });
});

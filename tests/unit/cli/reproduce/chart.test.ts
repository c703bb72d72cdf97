import { describe, expect, it } from "vitest";
import type { Chart } from "../../../../src/cli/reproduce/chart.ts";
import { chartSvg } from "../../../../src/cli/reproduce/chart.ts";

const POINTS = [
  { x: 1, y: 0.2, low: 0.1, high: 0.3 },
  { x: 10, y: 0.5, low: 0.4, high: 0.6 },
  { x: 100, y: 1, low: 0.9, high: 1 },
];
const CHART: Chart = {
  title: "success <&>",
  xLabel: "steps",
  yLabel: "success",
  xScale: "log",
  series: [{ name: "a & b", points: [...POINTS].reverse() }],
};

function circles(svg: string): { x: number; y: number }[] {
  return [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => ({
    x: Number(x),
    y: Number(y),
  }));
}

describe("a chart", () => {
  it("places points by their numbers, from left to right", () => {
    const [a, b, c] = circles(chartSvg(CHART)) as [
      { x: number; y: number },
      { x: number; y: number },
      { x: number; y: number },
    ];
    // Equal ratios are equal distances on a logarithmic axis.
    expect(b.x - a.x).toBeCloseTo(c.x - b.x, 0);
    expect(a.x).toBeLessThan(b.x);
    expect((a.y - b.y) / (b.y - c.y)).toBeCloseTo(0.3 / 0.5, 1);
    const linear = circles(chartSvg({ ...CHART, xScale: "linear" }));
    expect((linear[1]!.x - linear[0]!.x) / (linear[2]!.x - linear[1]!.x)).toBeCloseTo(0.1, 1);
  });

  it("is well-formed, whatever the words are", () => {
    const svg = chartSvg(CHART);
    expect(svg).toContain("<title>success &lt;&amp;&gt;</title>");
    expect(svg).toContain("a &amp; b");
    const opened = [...svg.matchAll(/<(svg|text|title)\b/g)].length;
    expect([...svg.matchAll(/<\/(svg|text|title)>/g)]).toHaveLength(opened);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("draws a single point, and refuses what has no place", () => {
    const one = { ...CHART, series: [{ name: "a", points: [POINTS[0]!] }] };
    expect(chartSvg(one)).not.toMatch(/NaN|Infinity/);
    expect(chartSvg({ ...one, xScale: "linear" })).not.toMatch(/NaN|Infinity/);
    expect(() => chartSvg({ ...CHART, series: [] })).toThrow("there is no point");
    const zero = [{ name: "a", points: [{ ...POINTS[0]!, x: 0 }] }];
    expect(() => chartSvg({ ...CHART, series: zero })).toThrow("a point lies at x = 0");
    expect(() => chartSvg({ ...CHART, xScale: "linear", series: zero })).not.toThrow();
  });
});

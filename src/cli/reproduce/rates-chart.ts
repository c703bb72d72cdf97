/** Rates with their intervals as SVG text: one row of marks per group, one mark per series, and smaller ones for its parts. */
import { COLOURS, INK, line, number, opening, text } from "./svg.ts";

export interface ShownRate {
  /** Which series it is of. */
  readonly series: string;
  readonly rate: number;
  readonly low: number;
  readonly high: number;
  /** Rates that it consists of, as of several trainings. */
  readonly parts: readonly number[];
}

export interface RatesChart {
  readonly title: string;
  readonly groups: readonly { readonly name: string; readonly rates: readonly ShownRate[] }[];
}

const WIDTH = 760;
const PLOT = { left: 110, right: 150, top: 44, bottom: 40 } as const;
/** Height of a mark's line, and what lies between groups. */
const MARK = 12;
const GAP = 12;

/**
 * Rates along x, from 0 to 1.
 * @throws {RangeError} without a rate
 */
export function ratesSvg({ title, groups }: RatesChart): string {
  const names = [...new Set(groups.flatMap(({ rates }) => rates.map(({ series }) => series)))];
  if (names.length === 0) {
    throw new RangeError(`Cannot draw "${title}": there is no rate, must be at least one`);
  }
  const tops: number[] = [];
  let height = PLOT.top + GAP / 2;
  for (const { rates } of groups) {
    tops.push(height);
    height += MARK * rates.length + GAP;
  }
  const bottom = height;
  const rows = groups.flatMap((group, i) => drawnGroup(group, { top: tops[i] ?? 0, names }));
  const parts = [
    ...opening({ width: WIDTH, height: bottom + PLOT.bottom, title, left: 8 }),
    ...ticks(bottom),
    ...rows,
    ...names.flatMap((name, i) => legend(name, i)),
    text((PLOT.left + WIDTH - PLOT.right) / 2, bottom + PLOT.bottom - 6, {
      anchor: "middle",
      content: "success; bars: 95 % Wilson intervals, small marks: single trainings",
    }),
    "</svg>",
  ];
  return `${parts.join("\n")}\n`;
}

function xAt(rate: number): number {
  return PLOT.left + rate * (WIDTH - PLOT.left - PLOT.right);
}

function ticks(bottom: number): string[] {
  return [0, 0.2, 0.4, 0.6, 0.8, 1].flatMap((value) => [
    line([xAt(value), PLOT.top], [xAt(value), bottom], { stroke: INK, opacity: 0.25 }),
    text(xAt(value), bottom + 16, { anchor: "middle", content: `${Math.round(100 * value)} %` }),
  ]);
}

function drawnGroup(
  { name, rates }: RatesChart["groups"][number],
  { top, names }: { readonly top: number; readonly names: readonly string[] },
): string[] {
  const middle = top + (MARK * rates.length) / 2 + 4;
  return [
    text(PLOT.left - 10, middle, { anchor: "end", content: name }),
    ...rates.flatMap(({ series, rate, low, high, parts }, i) => {
      const y = top + MARK * (i + 0.5);
      const stroke = COLOURS[names.indexOf(series) % COLOURS.length] ?? INK;
      return [
        line([xAt(low), y], [xAt(high), y], { stroke, width: 2 }),
        `<circle cx="${number(xAt(rate))}" cy="${number(y)}" r="4" fill="${stroke}"/>`,
        ...(parts.length < 2 ? [] : parts).map((part) =>
          line([xAt(part), y - 4], [xAt(part), y + 4], { stroke, opacity: 0.8 }),
        ),
      ];
    }),
  ];
}

function legend(name: string, index: number): string[] {
  const y = PLOT.top + 14 + 20 * index;
  const x = WIDTH - PLOT.right + 18;
  const fill = COLOURS[index % COLOURS.length] ?? INK;
  return [
    `<circle cx="${number(x)}" cy="${number(y - 4)}" r="4" fill="${fill}"/>`,
    text(x + 12, y, { content: name }),
  ];
}

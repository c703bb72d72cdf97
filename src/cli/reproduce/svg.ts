/** Pieces of the study's drawings, readable on light and dark pages. */

/** Okabe & Ito 2008: told apart by people who see few colours, too; without their yellow, and with a grey for black. */
export const COLOURS = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#999999",
] as const;
export const INK = "#777";

/** The beginning of a drawing, with its heading. */
export function opening(about: {
  readonly width: number;
  readonly height: number;
  readonly title: string;
  readonly left: number;
}): readonly string[] {
  const { width, height, title, left } = about;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escaped(title)}</title>`,
    text(left, 24, { size: 15, content: title }),
  ];
}

export type Place = readonly [x: number, y: number];

export function line(
  [x1, y1]: Place,
  [x2, y2]: Place,
  style: { readonly stroke: string; readonly opacity?: number; readonly width?: number },
): string {
  const { stroke, opacity = 1, width = 1 } = style;
  return `<line x1="${number(x1)}" y1="${number(y1)}" x2="${number(x2)}" y2="${number(y2)}" stroke="${stroke}" stroke-opacity="${opacity}" stroke-width="${width}"/>`;
}

export function text(
  x: number,
  y: number,
  style: { readonly content: string; readonly anchor?: "middle" | "end"; readonly size?: number },
): string {
  const { content, anchor = "start", size = 12 } = style;
  return `<text x="${number(x)}" y="${number(y)}" text-anchor="${anchor}" font-size="${size}" fill="${INK}">${escaped(content)}</text>`;
}

/** Coordinates have one decimal. */
export function number(value: number): string {
  return String(Number(value.toFixed(1)));
}

export function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

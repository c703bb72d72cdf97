/** Images made to fit a frame without changing their proportions, as VLAs expect them. */

export interface PaddedSize {
  readonly height: number;
  readonly width: number;
  /** Where the padding is: left and above (SmolVLA), or half on each side (pi0, pi0.5). */
  readonly pad: "before" | "both";
}

export interface Planes {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Scales `float32[channels, height, width]` bilinearly until it fits and pads with 0. Pixels are areas (half-pixel
 * centres, clamped at the border, no averaging when shrinking): what `cv2.resize` with `INTER_LINEAR` and
 * `torch.nn.functional.interpolate(mode="bilinear", align_corners=False)` do, and so the exporters' own resize.
 * @returns `float32[channels, size.height, size.width]`
 */
export function resizeWithPad(data: Float32Array, from: Planes, size: PaddedSize): Float32Array {
  const ratio = Math.max(from.width / size.width, from.height / size.height);
  const inner = {
    height: Math.max(1, Math.min(size.height, Math.trunc(from.height / ratio))),
    width: Math.max(1, Math.min(size.width, Math.trunc(from.width / ratio))),
  };
  const margin = { top: size.height - inner.height, left: size.width - inner.width };
  const half = size.pad === "both" ? 2 : 1;
  const [top, left] = [Math.floor(margin.top / half), Math.floor(margin.left / half)];
  const [rows, columns] = [taps(from.height, inner.height), taps(from.width, inner.width)];
  const out = new Float32Array(from.channels * size.height * size.width);
  for (let c = 0; c < from.channels; c++) {
    const plane = data.subarray(c * from.height * from.width, (c + 1) * from.height * from.width);
    for (let y = 0; y < inner.height; y++) {
      const above = (rows.low[y] ?? 0) * from.width;
      const below = (rows.high[y] ?? 0) * from.width;
      const v = rows.weight[y] ?? 0;
      const at = (c * size.height + top + y) * size.width + left;
      for (let x = 0; x < inner.width; x++) {
        const [l, r, u] = [columns.low[x] ?? 0, columns.high[x] ?? 0, columns.weight[x] ?? 0];
        const upper = (plane[above + l] ?? 0) * (1 - u) + (plane[above + r] ?? 0) * u;
        const lower = (plane[below + l] ?? 0) * (1 - u) + (plane[below + r] ?? 0) * u;
        out[at + x] = upper * (1 - v) + lower * v;
      }
    }
  }
  return out;
}

/** For every output place along one axis: the two input places around it and the weight of the second. */
function taps(from: number, to: number) {
  const low = new Int32Array(to);
  const high = new Int32Array(to);
  const weight = new Float64Array(to);
  for (let i = 0; i < to; i++) {
    const place = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    low[i] = Math.floor(place);
    high[i] = Math.min(Math.floor(place) + 1, from - 1);
    weight[i] = place - Math.floor(place);
  }
  return { low, high, weight };
}

import type { GraphBuilder } from "../builder.ts";
import type { Value } from "../graph-core.ts";

interface Size {
  readonly height: number;
  readonly width: number;
}

/** What a network sees of an image: made smaller first, then the part at the centre. */
export interface ImageView {
  readonly resize?: Size;
  readonly crop?: Size;
}

/**
 * An image as a network reads it: the average over areas, rounded as training data are, and of that the
 * centre (rounded down).
 * @param x `uint8[batch, height, width, channels]`
 * @returns `uint8` or `float32` of `[batch, height, width, channels]` after resizing and cropping
 * @throws {TypeError} unless the image is a whole multiple of `resize` and at least as large as `crop`
 */
export function viewed(g: GraphBuilder, x: Value, { resize, crop }: ImageView): Value {
  const [, height, width] = x.shape.map(Number) as [number, number, number];
  const resized = resize ?? { height, width };
  return centre(g, averaged(g, x, [height / resized.height, width / resized.width]), crop);
}

function averaged(g: GraphBuilder, x: Value, kernel: readonly [number, number]): Value {
  if (kernel.every((factor) => factor === 1)) return x;
  if (!kernel.every(Number.isInteger)) {
    const [, height, width] = x.shape;
    throw new TypeError(
      `Cannot view an image of ${width} x ${height} smaller by ${kernel[1]} x ${kernel[0]}: must be whole multiples`,
    );
  }
  const channelsFirst = g.transpose(g.cast(x, "float32"), [0, 3, 1, 2]);
  const smaller = g.averagePool(channelsFirst, kernel, { strides: kernel });
  return g.transpose(g.one("Round", [smaller]), [0, 2, 3, 1]);
}

function centre(g: GraphBuilder, x: Value, size: Size | undefined): Value {
  if (size === undefined) return x;
  let part = x;
  for (const [axis, wanted] of [
    [1, size.height],
    [2, size.width],
  ] as const) {
    const free = Number(x.shape[axis]) - wanted;
    if (free < 0) {
      throw new TypeError(
        `Cannot view the centre of an image: ${wanted} pixels of ${x.shape[axis]}, must be at most as many`,
      );
    }
    const start = Math.floor(free / 2);
    if (free > 0) part = g.slice(part, axis, { start, end: start + wanted });
  }
  return part;
}

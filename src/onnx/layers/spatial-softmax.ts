import type { Value } from "../graph-core.ts";
import type { LayerContext } from "./layers.ts";
import { fixed } from "./layers.ts";

/**
 * Where each feature map is strongest: the expected pixel position under a softmax over the map (Levine et
 * al. 2016, arXiv:1504.00702, section 4.2), temperature 1.
 *
 * @param x `[batch, maps, height, width]`
 * @returns `[batch, maps, 2]`: x right and y down, both in `[-1, 1]` over the centres of the pixels
 */
export function spatialSoftmax({ g }: LayerContext, x: Value): Value {
  const [batch = 1, ...rest] = x.shape;
  const [maps, height, width] = rest.map((dim) => fixed(dim, "spatial softmax"));
  if (maps === undefined || height === undefined || width === undefined) {
    throw new TypeError(`Cannot build a spatial softmax of rank ${x.shape.length}, must be 4`);
  }
  const place = new Float32Array(height * width * 2);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const at = 2 * (row * width + column);
      place[at] = width === 1 ? 0 : (2 * column) / (width - 1) - 1;
      place[at + 1] = height === 1 ? 0 : (2 * row) / (height - 1) - 1;
    }
  }
  const shape = [height * width, 2];
  const places = g.constant({ dtype: "float32", shape, data: place });
  const weights = g.softmax(g.reshape(x, [batch, maps, height * width]));
  return g.matmul(weights, places);
}

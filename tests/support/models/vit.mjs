/** The vision transformer ViT-B/16 (Dosovitskiy et al. 2020, arXiv:2010.11929) as a graph for inference. */

/** 86.6 million parameters. */
export const VIT = {
  layers: 12,
  width: 768,
  heads: 12,
  hidden: 3072,
  image: 224,
  patch: 16,
  classes: 1000,
};

function block(kit, context, { x, config, name }) {
  const { g } = context;
  const { linear, layerNorm } = kit.layers;
  const { width, heads, hidden } = config;
  return g.scope(name, () => {
    const h = layerNorm(context, x, "norm1");
    const [q, k, v] = ["q", "k", "v"].map((part) => linear(context, h, { name: part, width }));
    const attended = g.attention({ q, k, v }, { heads });
    const y = g.add(x, linear(context, attended, { name: "out", width }));
    const inner = linear(context, layerNorm(context, y, "norm2"), { name: "up", width: hidden });
    return g.add(y, linear(context, g.gelu(inner), { name: "down", width }));
  });
}

/** Scores `float32[1, classes]` of `image[1, 3, size, size]`. */
export function vitGraph(kit, { parameters, config = VIT }) {
  const g = new kit.GraphBuilder("vit");
  const context = { g, parameters };
  const { layers, width, image, patch, classes } = config;
  const { convolution2d, linear, layerNorm, parameter } = kit.layers;
  const start = { kind: "normal", std: 0.02 };
  const pixels = g.input("image", "float32", [1, 3, image, image]);
  const cut = { name: "patches", filters: width, kernel: patch, stride: patch, padding: 0 };
  const count = (image / patch) ** 2;
  const map = g.reshape(convolution2d(context, pixels, cut), [1, width, count]);
  const first = parameter(context, { name: "first", shape: [1, 1, width], start });
  const tokens = g.concat([first, g.transpose(map, [0, 2, 1])], 1);
  let x = g.add(tokens, parameter(context, { name: "places", shape: [count + 1, width], start }));
  for (let i = 0; i < layers; i++) x = block(kit, context, { x, config, name: `blocks/${i}` });
  const summary = g.slice(layerNorm(context, x, "norm"), 1, { start: 0, end: 1 });
  const scores = linear(context, g.reshape(summary, [1, width]), { name: "head", width: classes });
  g.output("scores", scores);
  return g.build();
}

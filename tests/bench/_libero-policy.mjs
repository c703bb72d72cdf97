/** A chunk-of-8 policy package with weights that were never trained: what it costs to run, not what it can. */
import { GraphBuilder, writeModel } from "../../dist/src/onnx/index.js";
import { chunkManifest, writePolicyPackage } from "../../dist/src/package/index.js";
import { panda } from "../../dist/robots/panda/spec.js";

export const HORIZON = 8;
export const CAMERAS = ["agentview", "robot0_eye_in_hand"];
const PROPRIO = ["eef_position", "eef_quat_xyzw", "gripper_opening"];
const WIDTH = 256;
const CHANNELS = [16, 32, 64];

/** Small numbers that are the same in every run. */
function weights(g, shape, fanIn) {
  const scale = 1 / Math.sqrt(fanIn);
  const length = shape.reduce((product, size) => product * size, 1);
  const data = Float32Array.from({ length }, (_, i) => scale * Math.sin(12.9898 * (i + 1)));
  return g.constant({ dtype: "float32", shape, data });
}

function dense(g, x, [inputs, outputs]) {
  return g.matmul(x, weights(g, [inputs, outputs], inputs));
}

/** Three convolutions of stride 2 and the mean of each map: `[1, 64]`. */
function look(g, image) {
  let x = g.transpose(g.mul(g.cast(image, "float32"), 1 / 255), [0, 3, 1, 2]);
  let inputs = 3;
  for (const outputs of CHANNELS) {
    const filters = weights(g, [outputs, inputs, 3, 3], 9 * inputs);
    x = g.relu(g.conv(x, filters, { strides: [2, 2], pads: [1, 1, 1, 1] }));
    inputs = outputs;
  }
  return g.reduceMean(x, [2, 3]);
}

function modelBytes(size) {
  const g = new GraphBuilder("bench");
  const parts = [g.input("proprio", "float32", [1, 8])];
  for (const camera of size === undefined ? [] : CAMERAS) {
    parts.push(look(g, g.input(`image/${camera}`, "uint8", [1, size, size, 3])));
  }
  const inputs = 8 + (parts.length - 1) * CHANNELS.at(-1);
  const hidden = g.tanh(dense(g, g.concat(parts, 1), [inputs, WIDTH]));
  const rows = dense(g, hidden, [WIDTH, 7 * HORIZON]);
  g.output("action", g.mul(g.reshape(g.tanh(rows), [1, HORIZON, 7]), 0.3));
  return writeModel(g.build());
}

/** Writes the package and returns the path of its model. `size` = side of the images; absent = none. */
export async function writeBenchPolicy(folder, size) {
  const body = panda();
  const proprio = PROPRIO.map((name) => body.proprio.find((component) => component.name === name));
  const cameras = size === undefined ? [] : CAMERAS;
  const images = cameras.map((name) => ({ name, height: size, width: size, channels: 3 }));
  const spec = {
    name: "bench",
    observation: { images, proprio, texts: [] },
    action: { components: body.action },
    predictHorizon: HORIZON,
    privileged: false,
    controlFreqHz: 20,
  };
  const manifest = chunkManifest({
    spec,
    classPath: "bench",
    inputs: [
      { input: "proprio", from: "proprio", components: PROPRIO },
      ...cameras.map((camera) => {
        return { input: `image/${camera}`, from: "image", camera, layout: "hwc" };
      }),
    ],
  });
  await writePolicyPackage(folder, { manifest, files: { "model.onnx": modelBytes(size) } });
  return `${folder}/model.onnx`;
}

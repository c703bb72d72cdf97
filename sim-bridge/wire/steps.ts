import type { NdArray, Observation, TimeStep, Want } from "../../src/core/index.ts";
import { wireError } from "./errors.ts";
import { checkInfo, checkSceneGraph, decodeJson, encodeJson } from "./json.ts";
import type { WireLimits } from "./limits.ts";
import { bigintOf, finite, uint32Of, uint64Of } from "./numbers.ts";
import type { TensorReader, TensorWriter } from "./tensors.ts";
import { checkLength, checkName, checkText, checkTexts } from "./text.ts";
import type { WireObservation, WireTimeStep, WireWant } from "./wire-types.ts";

/** Where the parts of one outgoing message gather. */
export interface Outgoing {
  readonly tensors: TensorWriter;
  readonly limits: WireLimits;
}

/** Where the parts of one incoming message come from. */
export interface Incoming {
  readonly tensors: TensorReader;
  readonly limits: WireLimits;
}

const KINDS = ["first", "mid", "last"] as const;

export function lowerWant(want: Want, limits: WireLimits): WireWant {
  const { images } = want;
  const names = typeof images === "string" ? [] : images;
  for (const name of names) checkName(name, { what: "a wanted image", limits });
  return {
    allImages: images === "all",
    images: names,
    imagesAtEveryStep: want.imagesAt === "every",
    poses: want.poses,
    privileged: want.privileged,
    depth: want.depth,
    segmentation: want.segmentation,
  };
}

/** A missing `want` asks for nothing. An empty list of names reads as `"none"`. */
export function liftWant(wire: WireWant | null, limits: WireLimits): Want {
  const names = wire?.images ?? [];
  checkLength(names.length, { what: "the wanted images", limits });
  for (const name of names) checkName(name, { what: "a wanted image", limits });
  return {
    images: wire?.allImages === true ? "all" : names.length === 0 ? "none" : [...names],
    imagesAt: wire?.imagesAtEveryStep === true ? "every" : "last",
    poses: wire?.poses ?? false,
    privileged: wire?.privileged ?? false,
    depth: wire?.depth ?? false,
    segmentation: wire?.segmentation ?? false,
  };
}

export function lowerObservation(observation: Observation, out: Outgoing): WireObservation {
  const { tensors, limits } = out;
  const { privileged } = observation;
  return {
    images: tensors.addNamed(observation.images, "image"),
    proprio: tensors.addNamed(observation.proprio, "observation component"),
    texts: checkTexts(observation.texts, { what: "text", limits }),
    instruction: checkText(observation.instruction, { what: "the instruction", limits }),
    step: uint32Of(observation.step, { what: "the step number" }),
    stampNs: uint64Of(observation.stampNs, "stamp_ns"),
    privilegedJson:
      privileged === undefined
        ? ""
        : encodeJson(checkSceneGraph(privileged), "privileged_json", limits),
    depth: tensors.addNamed(observation.depth, "depth image"),
    segmentation: tensors.addNamed(observation.segmentation, "segmentation image"),
  };
}

export function liftObservation(wire: WireObservation | null, from: Incoming): Observation {
  const { tensors, limits } = from;
  if (wire === null) throw missing("an observation");
  const { privilegedJson } = wire;
  return {
    images: tensors.takeNamed(wire.images, "image"),
    proprio: tensors.takeNamed(wire.proprio, "observation component"),
    texts: checkTexts(wire.texts, { what: "text", limits }),
    instruction: checkText(wire.instruction, { what: "the instruction", limits }),
    step: wire.step,
    stampNs: bigintOf(wire.stampNs),
    ...(privilegedJson !== "" && {
      privileged: checkSceneGraph(decodeJson(privilegedJson, "privileged_json", limits)),
    }),
    ...(wire.depth.length > 0 && { depth: tensors.takeNamed(wire.depth, "depth image") }),
    ...(wire.segmentation.length > 0 && {
      segmentation: tensors.takeNamed(wire.segmentation, "segmentation image"),
    }),
  };
}

export function lowerTimeStep(step: TimeStep, out: Outgoing): WireTimeStep {
  assertStepRules(step);
  const { poses, info } = step;
  return {
    kind: KINDS.indexOf(step.kind) + 1,
    observation: lowerObservation(step.observation, out),
    reward: finite(step.reward, "the reward"),
    terminated: step.terminated,
    truncated: step.truncated,
    success: step.success ?? null,
    busyNs: uint64Of(step.busyNs, "busy_ns"),
    poses: poses === undefined ? null : out.tensors.add(posesArray(poses), "the poses"),
    infoJson: info === undefined ? "" : encodeJson(checkInfo(info), "info_json", out.limits),
  };
}

export function liftTimeStep(wire: WireTimeStep | null, from: Incoming): TimeStep {
  if (wire === null) throw missing("a time step");
  const kind = KINDS[wire.kind - 1];
  if (kind === undefined) {
    throw wireError(
      "bad_value",
      `Cannot decode a time step: its kind is ${wire.kind}, must be 1 (first), 2 (mid) or 3 (last)`,
    );
  }
  const { infoJson, limits } = { infoJson: wire.infoJson, limits: from.limits };
  const step: TimeStep = {
    kind,
    observation: liftObservation(wire.observation, from),
    reward: finite(wire.reward, "the reward"),
    terminated: wire.terminated,
    truncated: wire.truncated,
    ...(wire.success !== null && { success: wire.success }),
    busyNs: bigintOf(wire.busyNs),
    ...(wire.poses !== null && { poses: takePoses(wire.poses, from) }),
    ...(infoJson !== "" && { info: checkInfo(decodeJson(infoJson, "info_json", limits)) }),
  };
  assertStepRules(step);
  return step;
}

/** dm_env's semantics: only a last step ends an episode, and it says why; the first has no reward. */
function assertStepRules({ kind, terminated, truncated, reward }: TimeStep): void {
  const ended = terminated || truncated;
  if (ended !== (kind === "last")) {
    const found = ended ? "terminated or truncated" : "neither terminated nor truncated";
    throw wireError(
      "bad_value",
      `Cannot accept a ${kind} time step: it is ${found}, must be the opposite`,
    );
  }
  if (kind === "first" && reward !== 0) {
    throw wireError(
      "bad_value",
      `Cannot accept a first time step: its reward is ${reward}, must be 0`,
    );
  }
}

const POSE_WIDTH = 7;

function posesArray(poses: Float64Array): NdArray {
  assertPoses(poses);
  return { dtype: "float64", shape: [poses.length / POSE_WIDTH, POSE_WIDTH], data: poses };
}

function takePoses(index: number, from: Incoming): Float64Array {
  const { dtype, shape, data } = from.tensors.take(index, "the poses");
  if (!(data instanceof Float64Array) || shape.length !== 2 || shape[1] !== POSE_WIDTH) {
    throw wireError(
      "bad_tensor",
      `Cannot decode the poses: they are ${dtype}[${shape.join(", ")}], must be float64[bodies, ${POSE_WIDTH}]`,
    );
  }
  assertPoses(data);
  return data;
}

function assertPoses(poses: Float64Array): void {
  if (poses.length % POSE_WIDTH !== 0) {
    throw wireError(
      "bad_tensor",
      `Cannot encode the poses: there are ${poses.length} numbers, must be ${POSE_WIDTH} per body`,
    );
  }
  for (let i = 0; i < poses.length; i++) {
    if (!Number.isFinite(poses[i])) {
      const where = `body ${Math.floor(i / POSE_WIDTH)}, entry ${i % POSE_WIDTH}`;
      throw wireError(
        "non_finite",
        `Cannot accept the poses: ${where} is ${poses[i]}, must be finite`,
      );
    }
  }
}

export function missing(what: string): Error {
  return wireError("malformed", `Cannot decode a message: it lacks ${what}, must have it`);
}

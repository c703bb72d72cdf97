/** A policy of another evaluation loop as one of ours: observations on their way in, actions on their way out. */
import type {
  ActionChunk,
  ActionSpec,
  ComponentSpec,
  Decision,
  ImageSpec,
  NdArray,
  Observation,
  ObservationSpec,
  Policy,
  PolicySpec,
  Thought,
} from "../core/index.ts";
import { elementCount } from "../core/index.ts";
import { signedAxisAngleFromQuatXyzw } from "../math/index.ts";
import { flipImage } from "../tensor/index.ts";
import type { CameraRole, Convention, ConventionName, StatePart } from "./conventions.ts";
import { CAMERA_ROLES, CONVENTIONS } from "./conventions.ts";

/** The world's cameras by what they look at. */
export type ConventionCameras = Readonly<Record<CameraRole, string>>;

/** LIBERO's. */
const CAMERAS: ConventionCameras = { scene: "agentview", wrist: "robot0_eye_in_hand" };

/** Components of ours that states are made of; the body says the same of itself. */
const OURS: readonly ComponentSpec[] = [
  ours("eef_position", "position", { shape: [3], unit: "m", frame: "world" }),
  ours("eef_quat_xyzw", "quat_xyzw", { shape: [4], unit: "1", frame: "world" }),
  ours("gripper_qpos", "joint_position", { shape: [2], unit: "m" }),
  ours("joint_position", "joint_position", { shape: [7], unit: "rad" }),
  ours("joint_velocity", "joint_velocity", { shape: [7], unit: "rad/s" }),
];

function ours(
  name: string,
  format: ComponentSpec["format"],
  rest: Pick<ComponentSpec, "shape" | "unit" | "frame">,
): ComponentSpec {
  return { name, format, dtype: "float32", ...rest };
}

/** What a policy of a convention sees where images are `[height, width, 3]`. */
export function observationIn(
  name: ConventionName,
  size: { readonly height: number; readonly width: number } | undefined,
): ObservationSpec {
  const { images, states } = CONVENTIONS[name];
  const cameras = size === undefined ? [] : CAMERA_ROLES;
  return {
    images: cameras.map((role) => ({ name: images[role], ...size!, channels: 3 })),
    proprio: Object.entries(states).map(([state, parts]) => stateSpec(state, parts)),
    texts: [],
  };
}

/** What a policy of a convention makes where the world accepts `action`. */
export function actionIn(name: ConventionName, { components }: ActionSpec): ActionSpec {
  const { gripper } = CONVENTIONS[name];
  return {
    components: components.map((component) =>
      component.format === "gripper_close_positive" && gripper !== component.format
        ? { ...component, format: gripper, low: [0], high: [1] }
        : component,
    ),
  };
}

/**
 * Wraps a policy whose spec and numbers are a convention's, so that it fits worlds that speak ours. What is recorded
 * and drawn is then in our terms, whatever the policy's are. The gripper's number is made binary where the
 * convention's loop does that.
 *
 * @param cameras the world's cameras; default LIBERO's
 * @throws {TypeError} if its spec names something that the convention does not have, or with another size or format
 */
export function inConvention(
  policy: Policy,
  name: ConventionName,
  cameras: Partial<ConventionCameras> = {},
): Policy {
  const convention = CONVENTIONS[name];
  const eyes: ConventionCameras = { ...CAMERAS, ...cameras };
  const at = gripperAt(policy.spec, convention);
  const observes = (observation: Observation): Observation =>
    translated(observation, { convention, cameras: eyes, spec: policy.spec });
  return {
    spec: specInConvention(policy.spec, name, cameras),
    reset: (start) => policy.reset(start),
    async decide(observation) {
      const decision = await policy.decide(observes(observation));
      return convention.gripper === "gripper_close_positive"
        ? decision
        : withGripper(decision, at, closing);
    },
    ...(policy.close === undefined ? {} : { close: () => policy.close!() }),
  };
}

/** The spec that `inConvention` gives a policy with this one. */
export function specInConvention(
  spec: PolicySpec,
  name: ConventionName,
  cameras: Partial<ConventionCameras> = {},
): PolicySpec {
  const convention = CONVENTIONS[name];
  return {
    ...spec,
    observation: outerObservation(spec, convention, { ...CAMERAS, ...cameras }),
    action: outerAction(spec, convention),
  };
}

/**
 * From an opening to robosuite's command: +1 closes, -1 opens, 0 (just half) holds. What OpenVLA's loop does in two steps,
 * `normalize_gripper_action(action, binarize=True)` (`sign(2 x - 1)`) and `invert_gripper_action` (the other sign), in
 * experiments/robot/robot_utils.py.
 */
function closing(opening: number): number {
  return 0 - Math.sign(2 * opening - 1);
}

function withGripper(decision: Decision, at: number, change: (value: number) => number): Decision {
  const { chunk, thoughts } = decision;
  const rewritten = (data: ActionChunk["data"]): Float32Array => {
    const rows = Float32Array.from(data);
    for (let i = at; i < rows.length; i += chunk.actionDim) rows[i] = change(rows[i]!);
    return rows;
  };
  const thought = (one: Thought): Thought =>
    one.kind === "refinement"
      ? { ...one, chunks: one.chunks.map((data) => [...rewritten(Float32Array.from(data))]) }
      : one;
  return {
    ...decision,
    chunk: { ...chunk, data: rewritten(chunk.data) },
    thoughts: thoughts.map(thought),
  };
}

function stateSpec(name: string, parts: readonly StatePart[]): ComponentSpec {
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  return { name, format: "raw", dtype: "float32", shape: [size] };
}

function refuse({ name }: Convention, what: string): TypeError {
  return new TypeError(`Cannot use a policy in the convention of ${name}: ${what}`);
}

function listed(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(", ");
}

function outerObservation(
  { observation }: PolicySpec,
  convention: Convention,
  cameras: ConventionCameras,
): ObservationSpec {
  if (observation === "any") throw refuse(convention, "it sees anything, must say what");
  const parts = observation.proprio.flatMap((component) => partsOf(component, convention));
  const names = new Set(parts.map(({ from }) => from));
  return {
    images: observation.images.map((image) => ({
      ...image,
      name: cameras[roleOf(image, convention)],
    })),
    proprio: OURS.filter(({ name }) => names.has(name)),
    texts: observation.texts,
  };
}

function roleOf({ name }: Pick<ImageSpec, "name">, convention: Convention): CameraRole {
  const role = CAMERA_ROLES.find((known) => convention.images[known] === name);
  if (role !== undefined) return role;
  const names = listed(CAMERA_ROLES.map((known) => convention.images[known]));
  throw refuse(convention, `it sees an image "${name}", must be of ${names}`);
}

function partsOf({ name, shape }: ComponentSpec, convention: Convention): readonly StatePart[] {
  const parts = convention.states[name];
  if (parts === undefined) {
    throw refuse(
      convention,
      `it sees a state "${name}", must be of ${listed(Object.keys(convention.states))}`,
    );
  }
  const wanted = elementCount(stateSpec(name, parts).shape);
  if (elementCount(shape) !== wanted) {
    throw refuse(convention, `its state "${name}" is [${shape.join(", ")}], must be [${wanted}]`);
  }
  return parts;
}

/** Where in a row the gripper's number stands. */
function gripperAt({ action }: PolicySpec, convention: Convention): number {
  let at = 0;
  for (const { format, shape } of action === "any" ? [] : action.components) {
    if (format === convention.gripper && elementCount(shape) === 1) return at;
    at += elementCount(shape);
  }
  throw refuse(
    convention,
    `its action has no ${convention.gripper} of one number, must have that of the convention`,
  );
}

function outerAction({ action }: PolicySpec, { gripper }: Convention): PolicySpec["action"] {
  if (action === "any" || gripper === "gripper_close_positive") return action;
  return {
    components: action.components.map((component) =>
      component.format === gripper
        ? { ...component, format: "gripper_close_positive", low: [-1], high: [1] }
        : component,
    ),
  };
}

interface Translation {
  readonly convention: Convention;
  readonly cameras: ConventionCameras;
  readonly spec: PolicySpec;
}

function translated(
  observation: Observation,
  { convention, cameras, spec }: Translation,
): Observation {
  const { images, proprio } = spec.observation as ObservationSpec;
  return {
    ...observation,
    images: Object.fromEntries(
      images.map((image) => {
        const camera = cameras[roleOf(image, convention)];
        return [image.name, turned(observation.images[camera], camera, convention)];
      }),
    ),
    proprio: Object.fromEntries(
      proprio.map((component) => [
        component.name,
        stateOf(partsOf(component, convention), observation),
      ]),
    ),
  };
}

function turned(image: NdArray | undefined, camera: string, { image: axes }: Convention): NdArray {
  if (image?.dtype !== "uint8" || image.shape.length !== 3) {
    const words = image === undefined ? "absent" : `${image.dtype}[${image.shape.join(", ")}]`;
    throw new TypeError(
      `Cannot decide: image "${camera}" is ${words}, must be uint8[height, width, channels]`,
    );
  }
  const [height = 0, width = 0, channels = 0] = image.shape;
  return { ...image, data: flipImage(image.data as Uint8Array, [height, width, channels], axes) };
}

function stateOf(parts: readonly StatePart[], { proprio }: Observation): NdArray {
  const numbers = parts.flatMap(({ from, as }) => {
    const values = Array.from(proprio[from]?.data ?? [], Number);
    if (as === "itself") return values;
    const [x = NaN, y = NaN, z = NaN, w = NaN] = values;
    return signedAxisAngleFromQuatXyzw([x, y, z, w]);
  });
  const size = parts.reduce((sum, part) => sum + part.size, 0);
  if (numbers.length !== size || !numbers.every(Number.isFinite)) {
    const names = listed(parts.map(({ from }) => from));
    throw new TypeError(
      `Cannot decide: ${names} give ${numbers.join(", ")}, must be ${size} finite numbers`,
    );
  }
  return { dtype: "float32", shape: [size], data: Float32Array.from(numbers) };
}

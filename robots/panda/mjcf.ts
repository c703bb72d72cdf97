/**
 * The Panda as MJCF, drawn with our own primitives (capsules, cylinders, boxes, ellipsoids), no
 * meshes. Lengths follow the DH table of `kinematics.ts`; joint damping, armature, friction and the
 * servos follow robosuite 1.4 (LIBERO), so that its controller behaves alike. Masses and inertias are
 * round numbers of a plausible size, not identified from the robot.
 *
 * Collision bits: objects 1, robot 2, fixtures 4. The robot meets objects and fixtures, never itself.
 * Drawn geoms are in group 1, those that only collide in group 3 (not drawn by default).
 */
import type { MjcfElement, MjcfFragment } from "../mjcf.ts";
import { element } from "../mjcf.ts";
import { FLANGE_M, TOOL_CENTRE_M } from "./kinematics.ts";
import { PANDA_INITIAL_QPOS, PANDA_NAMES, panda } from "./spec.ts";

/** `contype` and `conaffinity` by kind; two geoms meet if one's type is in the other's affinity. */
export const COLLISION_BITS = {
  object: { contype: 1, conaffinity: 7 },
  robot: { contype: 2, conaffinity: 5 },
  fixture: { contype: 4, conaffinity: 3 },
} as const;

const HALF_SQRT2 = Math.SQRT1_2;
/** A quarter turn about x, forward and back: between neighbouring joint axes. */
const TURN_X = [HALF_SQRT2, HALF_SQRT2, 0, 0];
const TURN_X_BACK = [HALF_SQRT2, -HALF_SQRT2, 0, 0];
const HAND_QUAT = [Math.cos(Math.PI / 8), 0, 0, -Math.sin(Math.PI / 8)];

/** Frame of the finger bodies along the hand's z; pads are centred on the tool centre. */
const FINGER_BASE_M = 0.0584;
const PAD_HALF_M = [0.01, 0.004, 0.0092] as const;

/** Of the wrist camera, from straight ahead towards the fingertips. */
const CAMERA_TILT_RAD = Math.PI / 13;

type Link = {
  readonly pos: readonly number[];
  readonly quat?: readonly number[];
  readonly mass: number;
  readonly centre: readonly number[];
  readonly inertia: readonly number[];
  readonly shell: readonly MjcfElement[];
};

/** `fromto` shapes: `[radius, x0, y0, z0, x1, y1, z1]`. */
type Segment = readonly [number, number, number, number, number, number, number];

function drawn(kind: "capsule" | "cylinder", material: string, segment: Segment): MjcfElement {
  const [radius, ...fromto] = segment;
  return element("geom", { class: "panda_shell", type: kind, material, size: radius, fromto });
}

function drawnBox(material: string, size: readonly number[], pos: readonly number[]): MjcfElement {
  return element("geom", { class: "panda_shell", type: "box", material, size, pos });
}

function ball(material: string, size: readonly number[], pos: readonly number[]): MjcfElement {
  return element("geom", { class: "panda_shell", type: "ellipsoid", material, size, pos });
}

function hull(name: string, segment: Segment): MjcfElement {
  const [radius, ...fromto] = segment;
  return element("geom", { class: "panda_hull", name, type: "capsule", size: radius, fromto });
}

const WHITE = "panda_white";
const GRAPHITE = "panda_graphite";
const ACCENT = "panda_accent";

const BASE_SHELL: readonly MjcfElement[] = [
  drawnBox(GRAPHITE, [0.085, 0.095, 0.012], [-0.03, 0, 0.012]),
  drawnBox(WHITE, [0.075, 0.07, 0.045], [-0.06, 0, 0.065]),
  drawn("cylinder", WHITE, [0.075, 0, 0, 0.02, 0, 0, 0.15]),
  drawn("cylinder", GRAPHITE, [0.066, 0, 0, 0.15, 0, 0, 0.162]),
];

const LINKS: readonly Link[] = [
  {
    pos: [0, 0, 0.333],
    mass: 3,
    centre: [0, -0.02, -0.07],
    inertia: [0.08, 0.07, 0.05],
    shell: [
      drawn("cylinder", WHITE, [0.066, 0, 0, -0.17, 0, 0, -0.07]),
      ball(WHITE, [0.068, 0.075, 0.085], [0, 0, -0.03]),
      drawn("cylinder", WHITE, [0.064, 0, -0.075, 0, 0, 0.075, 0]),
      drawn("cylinder", GRAPHITE, [0.05, 0, 0.07, 0, 0, 0.082, 0]),
      drawn("cylinder", GRAPHITE, [0.05, 0, -0.082, 0, 0, -0.07, 0]),
    ],
  },
  {
    pos: [0, 0, 0],
    quat: TURN_X_BACK,
    mass: 3,
    centre: [0, -0.08, 0.01],
    inertia: [0.07, 0.05, 0.08],
    shell: [
      drawn("capsule", WHITE, [0.06, 0, -0.06, 0, 0, -0.16, 0]),
      drawn("cylinder", WHITE, [0.063, 0, -0.1, 0, 0, -0.185, 0]),
      drawn("cylinder", GRAPHITE, [0.058, 0, -0.185, 0, 0, -0.195, 0]),
    ],
  },
  {
    pos: [0, -0.316, 0],
    quat: TURN_X,
    mass: 2.5,
    centre: [0.04, 0, -0.05],
    inertia: [0.04, 0.04, 0.03],
    shell: [
      drawn("cylinder", WHITE, [0.06, 0, 0, -0.121, 0, 0, -0.06]),
      drawn("capsule", WHITE, [0.058, 0, 0, -0.06, 0.075, 0, -0.004]),
      drawn("cylinder", WHITE, [0.056, 0.0825, -0.068, 0, 0.0825, 0.068, 0]),
      drawn("cylinder", GRAPHITE, [0.044, 0.0825, -0.074, 0, 0.0825, 0.074, 0]),
    ],
  },
  {
    pos: [0.0825, 0, 0],
    quat: TURN_X,
    mass: 2.5,
    centre: [-0.04, 0.05, 0],
    inertia: [0.05, 0.03, 0.05],
    shell: [
      drawn("capsule", WHITE, [0.052, -0.01, 0.01, 0, -0.0825, 0.075, 0]),
      drawn("cylinder", WHITE, [0.058, -0.0825, 0.06, 0, -0.0825, 0.13, 0]),
      drawn("cylinder", GRAPHITE, [0.053, -0.0825, 0.13, 0, -0.0825, 0.14, 0]),
    ],
  },
  {
    pos: [-0.0825, 0.384, 0],
    quat: TURN_X_BACK,
    mass: 2,
    centre: [0, 0.03, -0.13],
    inertia: [0.05, 0.05, 0.01],
    shell: [
      drawn("cylinder", WHITE, [0.056, 0, 0, -0.244, 0, 0, -0.19]),
      drawn("capsule", WHITE, [0.052, 0, 0.005, -0.19, 0, 0.04, -0.1]),
      drawn("capsule", WHITE, [0.04, 0, 0.055, -0.12, 0, 0.045, -0.02]),
      drawn("cylinder", WHITE, [0.05, 0, -0.055, 0, 0, 0.07, 0]),
      drawn("cylinder", GRAPHITE, [0.04, 0, -0.062, 0, 0, 0.076, 0]),
      hull("panda_hull5", [0.055, 0, 0.02, -0.2, 0, 0.03, -0.03]),
    ],
  },
  {
    pos: [0, 0, 0],
    quat: TURN_X,
    mass: 1.5,
    centre: [0.06, 0, 0],
    inertia: [0.006, 0.01, 0.01],
    shell: [
      drawn("capsule", WHITE, [0.046, 0.005, 0, 0, 0.085, 0, 0]),
      ball(WHITE, [0.052, 0.058, 0.052], [0.088, 0, 0]),
      drawn("cylinder", GRAPHITE, [0.03, 0.088, 0.05, 0, 0.088, 0.066, 0]),
      hull("panda_hull6", [0.05, 0.02, 0, 0, 0.088, 0, 0]),
    ],
  },
  {
    pos: [0.088, 0, 0],
    quat: TURN_X,
    mass: 0.5,
    centre: [0, 0, 0.07],
    inertia: [0.002, 0.002, 0.001],
    shell: [
      drawn("cylinder", WHITE, [0.046, 0, 0, 0.045, 0, 0, 0.085]),
      drawn("cylinder", GRAPHITE, [0.04, 0, 0, 0.085, 0, 0, 0.094]),
      drawn("cylinder", ACCENT, [0.044, 0, 0, 0.094, 0, 0, 0.097]),
      drawn("cylinder", WHITE, [0.042, 0, 0, 0.097, 0, 0, 0.107]),
      hull("panda_hull7", [0.046, 0, 0, 0.03, 0, 0, 0.09]),
    ],
  },
];

/**
 * The robot at a pose, with its torque motors and finger servos.
 * @param options.basePosition where the centre of the base plate stands, world frame, m
 */
export function pandaMjcf(options: { readonly basePosition: readonly number[] }): MjcfFragment {
  let chain: MjcfElement = handBody();
  for (let index = LINKS.length - 1; index >= 0; index--) chain = linkBody(index, chain);
  const base = element("body", { name: PANDA_NAMES.baseBody, pos: options.basePosition }, [
    element("inertial", { pos: [0, 0, 0.05], mass: 4, diaginertia: [0.04, 0.04, 0.03] }),
    ...BASE_SHELL,
    chain,
  ]);
  return { defaults: DEFAULTS, assets: MATERIALS, bodies: [base], actuators: actuators() };
}

function linkBody(index: number, next: MjcfElement): MjcfElement {
  const { pos, quat, mass, centre, inertia, shell } = LINKS[index]!;
  const { name, low, high } = panda().joints[index]!;
  return element("body", { name: `panda_link${index + 1}`, pos, quat }, [
    element("inertial", { pos: centre, mass, diaginertia: inertia }),
    element("joint", {
      name,
      class: "panda_arm",
      range: [low, high],
      // robosuite: 0.1 for the first five joints, 0.01 for the wrist; 5 / (i + 1) kg m^2.
      damping: index < 5 ? 0.1 : 0.01,
      armature: 5 / (index + 1),
    }),
    ...shell,
    next,
  ]);
}

function handBody(): MjcfElement {
  const side = (y: number): MjcfElement =>
    drawn("cylinder", WHITE, [0.023, 0, y, 0.006, 0, y, 0.058]);
  return element("body", { name: PANDA_NAMES.handBody, pos: [0, 0, FLANGE_M], quat: HAND_QUAT }, [
    element("inertial", { pos: [0, 0, 0.03], mass: 0.7, diaginertia: [0.003, 0.001, 0.003] }),
    drawnBox(WHITE, [0.023, 0.074, 0.026], [0, 0, 0.032]),
    side(-0.074),
    side(0.074),
    drawnBox(GRAPHITE, [0.018, 0.085, 0.004], [0, 0, 0.06]),
    drawnBox(GRAPHITE, [0.016, 0.045, 0.0125], [0.058, 0, -0.012]),
    drawn("cylinder", GRAPHITE, [0.011, 0.03, 0, 0.012, 0.058, 0, -0.012]),
    element("geom", {
      class: "panda_hull",
      name: "panda_hull_hand",
      type: "box",
      size: [0.028, 0.095, 0.03],
      pos: [0, 0, 0.033],
    }),
    element("camera", {
      name: PANDA_NAMES.wristCamera,
      // In front of the hand, tilted towards the tips; up in the image = hand x.
      pos: [0.075, 0, 0.002],
      xyaxes: [0, 1, 0, Math.cos(CAMERA_TILT_RAD), 0, Math.sin(CAMERA_TILT_RAD)],
      fovy: 75,
    }),
    element("site", {
      name: PANDA_NAMES.gripSite,
      pos: [0, 0, TOOL_CENTRE_M],
      size: 0.004,
      group: 4,
    }),
    fingerBody(0),
    fingerBody(1),
  ]);
}

/** One finger; the second is the mirror image, so its slide is negative. */
function fingerBody(index: 0 | 1): MjcfElement {
  const sign = index === 0 ? 1 : -1;
  const { low, high } = panda().joints[7 + index]!;
  const padZ = TOOL_CENTRE_M - FINGER_BASE_M;
  const [padName, bodyName] = PANDA_NAMES.fingerGeoms[index];
  return element("body", { name: `panda_finger${index + 1}`, pos: [0, 0, FINGER_BASE_M] }, [
    element("inertial", {
      pos: [0, sign * 0.012, 0.025],
      mass: 0.1,
      diaginertia: [0.00004, 0.00004, 0.00001],
    }),
    element("joint", {
      name: PANDA_NAMES.fingerJoints[index],
      class: "panda_finger",
      range: [low, high],
    }),
    element("geom", {
      class: "panda_pad",
      name: padName,
      type: "box",
      material: GRAPHITE,
      size: PAD_HALF_M,
      pos: [0, sign * PAD_HALF_M[1], padZ],
    }),
    element("geom", {
      class: "panda_finger_body",
      name: bodyName,
      type: "box",
      material: WHITE,
      size: [0.0095, 0.006, 0.018],
      pos: [0, sign * 0.0105, 0.018],
    }),
    drawnBox(WHITE, [0.009, 0.002, 0.01], [0, sign * 0.0098, 0.043]),
    drawnBox(GRAPHITE, [0.016, 0.012, 0.004], [0, sign * 0.012, 0.004]),
  ]);
}

const DEFAULTS: readonly MjcfElement[] = [
  element("default", { class: "panda_shell" }, [
    element("geom", { contype: 0, conaffinity: 0, group: 1, mass: 0 }),
  ]),
  element("default", { class: "panda_hull" }, [
    element("geom", { ...COLLISION_BITS.robot, group: 3, mass: 0, rgba: [0.2, 0.6, 0.3, 0.5] }),
  ]),
  element("default", { class: "panda_finger_body" }, [
    element("geom", { ...COLLISION_BITS.robot, group: 1, mass: 0, friction: [1, 0.005, 0.0001] }),
  ]),
  // The pads' contact parameters win over those of whatever they touch.
  element("default", { class: "panda_pad" }, [
    element("geom", {
      ...COLLISION_BITS.robot,
      group: 1,
      mass: 0,
      priority: 1,
      condim: 4,
      friction: [2, 0.05, 0.0001],
      solref: [0.01, 1],
    }),
  ]),
  element("default", { class: "panda_arm" }, [
    element("joint", { axis: [0, 0, 1], frictionloss: 0.1 }),
  ]),
  element("default", { class: "panda_finger" }, [
    element("joint", {
      type: "slide",
      axis: [0, 1, 0],
      damping: 100,
      armature: 1,
      frictionloss: 1,
    }),
  ]),
];

const MATERIALS: readonly MjcfElement[] = [
  element("material", {
    name: WHITE,
    rgba: [0.93, 0.94, 0.95, 1],
    specular: 0.35,
    shininess: 0.45,
  }),
  element("material", {
    name: GRAPHITE,
    rgba: [0.2, 0.21, 0.24, 1],
    specular: 0.4,
    shininess: 0.5,
  }),
  element("material", { name: ACCENT, rgba: [0.15, 0.55, 0.95, 1], emission: 0.35 }),
];

function actuators(): MjcfElement[] {
  const { joints } = panda();
  const motors = PANDA_NAMES.actuators.map((name, index) => {
    const { name: joint, maxEffort } = joints[index]!;
    return element("motor", { name, joint, ctrlrange: [-maxEffort, maxEffort] });
  });
  const servos = PANDA_NAMES.fingerActuators.map((name, index) => {
    const { name: joint, low, high, maxEffort } = joints[PANDA_INITIAL_QPOS.length + index]!;
    return element("position", {
      name,
      joint,
      kp: 1000,
      ctrlrange: [low, high],
      forcerange: [-maxEffort, maxEffort],
    });
  });
  return [...motors, ...servos];
}

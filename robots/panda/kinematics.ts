/**
 * Forward kinematics and Jacobian of the Panda arm from its Denavit-Hartenberg table, in plain
 * numbers. Poses are `float64[12]`: a 3x3 rotation, row-major, then the position (m).
 *
 * Source: the manufacturer's modified DH parameters (Craig's convention: joint i turns about z of
 * frame i, `T_i = RotX(alpha_{i-1}) TransX(a_{i-1}) RotZ(theta_i) TransZ(d_i)`).
 */

/** `[a (m), alpha as quarter turns, d (m)]` of joints 1 to 7. Quarter turns keep the zeros exact. */
const DH: readonly (readonly [a: number, quarterTurns: -1 | 0 | 1, d: number])[] = [
  [0, 0, 0.333],
  [0, -1, 0],
  [0, 1, 0.316],
  [0.0825, 1, 0],
  [-0.0825, -1, 0.384],
  [0, 1, 0],
  [0.088, 1, 0],
];

/** Link 7 to the flange plate, along z. */
export const FLANGE_M = 0.107;
/** The hand is mounted turned by -45 degrees about the flange's z. */
export const HAND_YAW_RAD = -Math.PI / 4;
/** Hand to tool centre, along z (the manufacturer's default end-effector frame). */
export const TOOL_CENTRE_M = 0.1034;

/** A rigid transform: rotation `float64[3, 3]` row-major in 0..8, position in 9..11. */
export type Pose = Float64Array;

/** What forward kinematics finds, all in the frame of the base (`link0`). */
export interface PandaPoses {
  /** Frames of links 1 to 7. */
  readonly links: readonly Pose[];
  readonly hand: Pose;
  /** Tool centre between the finger pads, oriented as the hand. */
  readonly grip: Pose;
}

/**
 * Poses of every link, the hand and the tool centre.
 * @param qpos `[7]` rad
 * @throws {RangeError} unless there are seven finite angles
 */
export function pandaForwardKinematics(qpos: ArrayLike<number>): PandaPoses {
  assertJoints(qpos);
  const links: Pose[] = [];
  let pose = translation(0, 0, 0);
  for (const [joint, [a, quarterTurns, d]] of DH.entries()) {
    pose = compose(pose, dhTransform([a, quarterTurns, d], qpos[joint]!));
    links.push(pose);
  }
  const flange = compose(pose, translation(0, 0, FLANGE_M));
  const hand = compose(flange, rotationZ(HAND_YAW_RAD));
  return { links, hand, grip: compose(hand, translation(0, 0, TOOL_CENTRE_M)) };
}

/**
 * Geometric Jacobian of the tool centre in the base frame: `float64[6, 7]` row-major, rows 0-2 linear
 * (m/rad), rows 3-5 angular (rad/rad). Column i is `[z_i x (p - o_i); z_i]`.
 * @param qpos `[7]` rad
 */
export function pandaJacobian(qpos: ArrayLike<number>): Float64Array {
  const { links, grip } = pandaForwardKinematics(qpos);
  const jacobian = new Float64Array(42);
  for (const [column, link] of links.entries()) {
    const [zx, zy, zz] = [link[2]!, link[5]!, link[8]!];
    const [rx, ry, rz] = [grip[9]! - link[9]!, grip[10]! - link[10]!, grip[11]! - link[11]!];
    const values = [zy * rz - zz * ry, zz * rx - zx * rz, zx * ry - zy * rx, zx, zy, zz];
    for (const [row, value] of values.entries()) jacobian[row * 7 + column] = value;
  }
  return jacobian;
}

function assertJoints(qpos: ArrayLike<number>): void {
  if (qpos.length !== 7 || !Array.from(qpos).every(Number.isFinite)) {
    const given = Array.from(qpos).join(", ");
    throw new RangeError(`Cannot compute arm poses: qpos is [${given}], must be 7 finite angles`);
  }
}

function dhTransform(
  [a, quarterTurns, d]: readonly [number, -1 | 0 | 1, number],
  theta: number,
): Pose {
  const [c, s] = [Math.cos(theta), Math.sin(theta)];
  const cosAlpha = quarterTurns === 0 ? 1 : 0;
  const sinAlpha = quarterTurns;
  return Float64Array.of(
    ...[c, -s, 0],
    ...[s * cosAlpha, c * cosAlpha, -sinAlpha],
    ...[s * sinAlpha, c * sinAlpha, cosAlpha],
    ...[a, -sinAlpha * d, cosAlpha * d],
  );
}

function translation(x: number, y: number, z: number): Pose {
  return Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, x, y, z);
}

function rotationZ(angle: number): Pose {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return Float64Array.of(c, -s, 0, s, c, 0, 0, 0, 1, 0, 0, 0);
}

/** `a` then `b` expressed in `a`: `aFromC = aFromB * bFromC`. */
function compose(a: Pose, b: Pose): Pose {
  const out = new Float64Array(12);
  for (let row = 0; row < 3; row++) {
    const [x, y, z] = [a[3 * row]!, a[3 * row + 1]!, a[3 * row + 2]!];
    for (let column = 0; column < 3; column++) {
      out[3 * row + column] = x * b[column]! + y * b[3 + column]! + z * b[6 + column]!;
    }
    out[9 + row] = x * b[9]! + y * b[10]! + z * b[11]! + a[9 + row]!;
  }
  return out;
}

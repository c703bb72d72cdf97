/**
 * The arm's controller: operational-space control of the tool centre's pose (Khatib 1987), as
 * robosuite 1.4 and so LIBERO have it (`OSC_POSE`), number for number.
 *
 * Once per action, from an action a in [-1, 1]^7:
 *
 *     p_goal = p + 0.05 m * a[0..2]
 *     R_goal = Rot(0.5 rad * a[3..5]) R     unless all three are zero: then R_goal stays
 *
 * and at every substep of the physics, with J = [J_p; J_r] of the tool centre, M the arm's block of
 * the mass matrix, q0 the initial pose, kp = 150, kd = 2 sqrt(kp), kn = 10, dn = 2 sqrt(kn):
 *
 *     F    = kp (p_goal - p) - kd v           e = 1/2 sum_k R[:, k] x R_goal[:, k]
 *     T    = kp e - kd w
 *     Lp   = (J_p M^-1 J_p^T)^-1              Lr likewise, L with the whole J
 *     N^T  = 1 - J^T L J M^-1
 *     tau  = J^T [Lp F; Lr T] + bias + N^T M (kn (q0 - q) - dn q')
 *
 * clipped to the motors' ranges. M cancels in N^T M, so that no inverse is ever formed:
 * with n = kn (q0 - q) - dn q', `N^T M n = M n - J^T L (J n)`. Inverses are Cholesky solves; robosuite
 * takes pseudo-inverses, which differ where the arm is singular (see `cholesky`).
 *
 * The gripper's one number only has a sign: each substep moves the fingers' setpoint by 0.01 of half
 * its range towards closed (+) or open (-); 0 holds. 200 substeps from end to end.
 */
import { choleskyInPlace, solveCholesky } from "./cholesky.ts";
import { ARM_DOFS, assertChain, indexArm, type ArmIndex } from "./arm-index.ts";
import type { Physics, PhysicsViews } from "./mujoco.ts";
import { robosuiteRotation } from "./robosuite-rotation.ts";
import type { ArmMeta } from "./world.ts";

const DOF = ARM_DOFS;
export const ACTION_SIZE = 7;
/** What one unit of an action means, m and rad. */
export const POSITION_UNIT_M = 0.05;
export const ROTATION_UNIT_RAD = 0.5;

const STIFFNESS = 150;
const DAMPING = 2 * Math.sqrt(STIFFNESS);
const NULL_STIFFNESS = 10;
const NULL_DAMPING = 2 * Math.sqrt(NULL_STIFFNESS);
const FINGER_RATE = 0.01;

// Offsets into the controller's memory, which is one array so that it is saved as one.
const AT_POSITION = 0;
const AT_ROTATION = 3;
const AT_VELOCITY = 12;
const AT_SPIN = 15;
const AT_JACOBIAN = 18;
const AT_MASS = 60;
const AT_Q = 109;
const AT_QD = 116;
const AT_GOAL_POSITION = 123;
const AT_GOAL_ROTATION = 126;
const AT_FINGERS = 135;
/** 1 while the next substep is to use the state that is here instead of reading the present one. */
const AT_HELD = 137;
const STATE_SIZE = 138;

/** Turns actions into torques; holds goals and the gripper's setpoint between substeps. */
export class ArmController {
  readonly #physics: Physics;
  readonly #arm: ArmIndex;
  readonly #initialQpos: readonly number[];
  readonly #state = new Float64Array(STATE_SIZE);
  // Scratch memory, so that a substep allocates nothing.
  readonly #mass = new Float64Array(DOF * DOF);
  readonly #massPivots = new Float64Array(DOF);
  /** Row i: L^-1 J[i]^T, where M = L L^T. */
  readonly #whitened = new Float64Array(6 * DOF);
  readonly #inertia = new Float64Array(36);
  readonly #block = new Float64Array(9);
  readonly #pivots = new Float64Array(6);
  readonly #wrench = new Float64Array(6);
  readonly #nullWrench = new Float64Array(6);
  readonly #blockWrench = new Float64Array(3);
  readonly #posture = new Float64Array(DOF);

  /**
   * @throws {RangeError} if the scene lacks one of the arm's names, or joints other than the arm's
   *   seven hinges move the tool centre
   */
  constructor(physics: Physics, arm: ArmMeta) {
    this.#physics = physics;
    this.#initialQpos = arm.initialQpos;
    this.#arm = indexArm(physics, arm);
    assertChain(physics, this.#arm);
  }

  /**
   * Reads the present state and makes it the goal. The gripper's setpoint goes to the middle.
   * @param holdState the first substep then still uses what was read here: robosuite's controller
   *   does so after LIBERO's `set_init_state`, for it was read before that
   */
  reset(options: { readonly holdState: boolean }): void {
    const state = this.#state;
    this.#read(this.#physics.views);
    state.copyWithin(AT_GOAL_POSITION, AT_POSITION, AT_POSITION + 3);
    state.copyWithin(AT_GOAL_ROTATION, AT_ROTATION, AT_ROTATION + 9);
    state.fill(0, AT_FINGERS, AT_FINGERS + 2);
    state[AT_HELD] = options.holdState ? 1 : 0;
  }

  /** The controller's memory: float64[138]. Bringing it back continues exactly. */
  saveState(): Float64Array {
    return this.#state.slice();
  }

  /** @throws {RangeError} if it is no state of this controller */
  restoreState(state: Float64Array): void {
    if (state.length !== STATE_SIZE) {
      throw new RangeError(
        `Cannot restore the controller: the state has ${state.length} numbers, must have ${STATE_SIZE}`,
      );
    }
    this.#state.set(state);
  }

  static get stateSize(): number {
    return STATE_SIZE;
  }

  /**
   * Sets the motors' commands for one substep; between `step1` and `step2`.
   * @param action seven finite numbers; beyond [-1, 1] they are clipped
   * @param isFirst at the first substep of an action, where the goal is set
   * @throws {Error} if a torque comes out as NaN
   */
  apply(action: ArrayLike<number>, isFirst: boolean): void {
    const state = this.#state;
    const views = this.#physics.views;
    if (state[AT_HELD] === 0) this.#read(views);
    state[AT_HELD] = 0;
    if (isFirst) this.#setGoal(action);
    this.#solve();
    this.#command(views);
    this.#moveFingers(views, Math.sign(action[6]!));
  }

  /** Pose, velocity, Jacobian and mass matrix of the arm, as they are now. */
  #read(views: PhysicsViews): void {
    const state = this.#state;
    const { site, mass } = this.#arm;
    for (let i = 0; i < 3; i++) state[AT_POSITION + i] = views.siteXpos[3 * site + i]!;
    for (let i = 0; i < 9; i++) state[AT_ROTATION + i] = views.siteXmat[9 * site + i]!;
    this.#readJacobian(views);
    const { massMatrix } = views;
    for (let i = 0; i < DOF * DOF; i++) {
      const at = mass[i]!;
      state[AT_MASS + i] = at < 0 ? 0 : massMatrix[at]!;
    }
  }

  /** A hinge about axis a through c moves the tool centre p by a x (p - c), and turns it about a. */
  #readJacobian({ xanchor, xaxis, qpos, qvel }: PhysicsViews): void {
    const state = this.#state;
    const arm = this.#arm;
    let vx = 0, vy = 0, vz = 0, wx = 0, wy = 0, wz = 0; // prettier-ignore
    for (let k = 0; k < DOF; k++) {
      const j = 3 * arm.joints[k]!;
      const ax = xaxis[j]!;
      const ay = xaxis[j + 1]!;
      const az = xaxis[j + 2]!;
      const rx = state[AT_POSITION]! - xanchor[j]!;
      const ry = state[AT_POSITION + 1]! - xanchor[j + 1]!;
      const rz = state[AT_POSITION + 2]! - xanchor[j + 2]!;
      const jx = ay * rz - az * ry;
      const jy = az * rx - ax * rz;
      const jz = ax * ry - ay * rx;
      const speed = qvel[arm.dofs[k]!]!;
      state[AT_JACOBIAN + k] = jx;
      state[AT_JACOBIAN + DOF + k] = jy;
      state[AT_JACOBIAN + 2 * DOF + k] = jz;
      state[AT_JACOBIAN + 3 * DOF + k] = ax;
      state[AT_JACOBIAN + 4 * DOF + k] = ay;
      state[AT_JACOBIAN + 5 * DOF + k] = az;
      vx += jx * speed;
      vy += jy * speed;
      vz += jz * speed;
      wx += ax * speed;
      wy += ay * speed;
      wz += az * speed;
      state[AT_Q + k] = qpos[arm.qpos[k]!]!;
      state[AT_QD + k] = speed;
    }
    state[AT_VELOCITY] = vx;
    state[AT_VELOCITY + 1] = vy;
    state[AT_VELOCITY + 2] = vz;
    state[AT_SPIN] = wx;
    state[AT_SPIN + 1] = wy;
    state[AT_SPIN + 2] = wz;
  }

  #setGoal(action: ArrayLike<number>): void {
    const state = this.#state;
    for (let i = 0; i < 3; i++) {
      const delta = clip(action[i]!, -1, 1) * POSITION_UNIT_M;
      state[AT_GOAL_POSITION + i] = state[AT_POSITION + i]! + delta;
    }
    const x = clip(action[3]!, -1, 1) * ROTATION_UNIT_RAD;
    const y = clip(action[4]!, -1, 1) * ROTATION_UNIT_RAD;
    const z = clip(action[5]!, -1, 1) * ROTATION_UNIT_RAD;
    if (x === 0 && y === 0 && z === 0) return;
    const turn = robosuiteRotation(x, y, z);
    for (let row = 0; row < 9; row += 3) {
      for (let column = 0; column < 3; column++) {
        state[AT_GOAL_ROTATION + row + column] =
          turn[row]! * state[AT_ROTATION + column]! +
          turn[row + 1]! * state[AT_ROTATION + 3 + column]! +
          turn[row + 2]! * state[AT_ROTATION + 6 + column]!;
      }
    }
  }

  /** Force and torque that pull towards the goal and damp: F in 0..2, T in 3..5. */
  #pull(): void {
    const state = this.#state;
    const wrench = this.#wrench;
    for (let i = 0; i < 3; i++) {
      wrench[i] =
        (state[AT_GOAL_POSITION + i]! - state[AT_POSITION + i]!) * STIFFNESS -
        state[AT_VELOCITY + i]! * DAMPING;
    }
    let ex = 0;
    let ey = 0;
    let ez = 0;
    for (let k = 0; k < 3; k++) {
      const ax = state[AT_ROTATION + k]!;
      const ay = state[AT_ROTATION + 3 + k]!;
      const az = state[AT_ROTATION + 6 + k]!;
      const bx = state[AT_GOAL_ROTATION + k]!;
      const by = state[AT_GOAL_ROTATION + 3 + k]!;
      const bz = state[AT_GOAL_ROTATION + 6 + k]!;
      ex += ay * bz - az * by;
      ey += az * bx - ax * bz;
      ez += ax * by - ay * bx;
    }
    wrench[3] = 0.5 * ex * STIFFNESS - state[AT_SPIN]! * DAMPING;
    wrench[4] = 0.5 * ey * STIFFNESS - state[AT_SPIN + 1]! * DAMPING;
    wrench[5] = 0.5 * ez * STIFFNESS - state[AT_SPIN + 2]! * DAMPING;
  }

  /** `#wrench` becomes [Lp F; Lr T] - L J n: what J^T turns into torques. */
  #solve(): void {
    const state = this.#state;
    this.#pull();
    this.#invertInertia();
    this.#scaleBlock(0);
    this.#scaleBlock(3);
    const pull = this.#nullWrench;
    const posture = this.#posture;
    for (let k = 0; k < DOF; k++) {
      posture[k] =
        NULL_STIFFNESS * (this.#initialQpos[k]! - state[AT_Q + k]!) -
        NULL_DAMPING * state[AT_QD + k]!;
    }
    for (let i = 0; i < 6; i++) {
      let sum = 0;
      for (let k = 0; k < DOF; k++) sum += state[AT_JACOBIAN + i * DOF + k]! * posture[k]!;
      pull[i] = sum;
    }
    choleskyInPlace(this.#inertia, this.#pivots, 6);
    solveCholesky(this.#inertia, this.#pivots, pull);
    for (let i = 0; i < 6; i++) this.#wrench[i]! -= pull[i]!;
  }

  /** J M^-1 J^T into the lower triangle of `#inertia` (its inverse is the inertia felt at the tool). */
  #invertInertia(): void {
    const state = this.#state;
    const mass = this.#mass;
    const pivots = this.#massPivots;
    const white = this.#whitened;
    const inertia = this.#inertia;
    for (let i = 0; i < DOF * DOF; i++) mass[i] = state[AT_MASS + i]!;
    choleskyInPlace(mass, pivots, DOF);
    for (let i = 0; i < 6; i++) {
      for (let k = 0; k < DOF; k++) {
        let sum = state[AT_JACOBIAN + i * DOF + k]!;
        for (let l = 0; l < k; l++) sum -= mass[k * DOF + l]! * white[i * DOF + l]!;
        white[i * DOF + k] = sum * pivots[k]!;
      }
      for (let j = 0; j <= i; j++) {
        let sum = 0;
        for (let k = 0; k < DOF; k++) sum += white[i * DOF + k]! * white[j * DOF + k]!;
        inertia[i * 6 + j] = sum;
      }
    }
  }

  /** Solves the 3 x 3 block at (first, first) for three entries of the wrench. */
  #scaleBlock(first: 0 | 3): void {
    const block = this.#block;
    const part = this.#blockWrench;
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j <= i; j++) block[i * 3 + j] = this.#inertia[(first + i) * 6 + first + j]!;
      part[i] = this.#wrench[first + i]!;
    }
    choleskyInPlace(block, this.#pivots, 3);
    solveCholesky(block, this.#pivots, part);
    for (let i = 0; i < 3; i++) this.#wrench[first + i] = part[i]!;
  }

  #command({ ctrl, qfrcBias }: PhysicsViews): void {
    const state = this.#state;
    const { actuators, dofs, ranges } = this.#arm;
    for (let k = 0; k < DOF; k++) {
      let torque = qfrcBias[dofs[k]!]!;
      for (let j = 0; j < DOF; j++) torque += state[AT_MASS + k * DOF + j]! * this.#posture[j]!;
      for (let i = 0; i < 6; i++) {
        torque += state[AT_JACOBIAN + i * DOF + k]! * this.#wrench[i]!;
      }
      // The engine would silently replace a NaN by zero.
      if (torque !== torque) {
        throw new Error(`Cannot control the arm: the torque of joint ${k + 1} is NaN`);
      }
      ctrl[actuators[k]!] = clip(torque, ranges[2 * k]!, ranges[2 * k + 1]!);
    }
  }

  /** The first finger's range lies above zero and the second's below: they close in opposite senses. */
  #moveFingers({ ctrl }: PhysicsViews, close: number): void {
    const state = this.#state;
    const { fingerActuators, fingerRanges } = this.#arm;
    for (let i = 0; i < 2; i++) {
      const step = i === 0 ? -FINGER_RATE * close : FINGER_RATE * close;
      const setpoint = clip(state[AT_FINGERS + i]! + step, -1, 1);
      state[AT_FINGERS + i] = setpoint;
      const low = fingerRanges[2 * i]!;
      const high = fingerRanges[2 * i + 1]!;
      ctrl[fingerActuators[i]!] = 0.5 * (high + low) + 0.5 * (high - low) * setpoint;
    }
  }
}

function clip(value: number, low: number, high: number): number {
  return value < low ? low : value > high ? high : value;
}

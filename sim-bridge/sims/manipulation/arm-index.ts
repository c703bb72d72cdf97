import type { Physics } from "./mujoco.ts";
import type { ArmMeta } from "./world.ts";

export const ARM_DOFS = 7;

/** Where an arm's parts are in the engine's arrays. */
export interface ArmIndex {
  readonly site: number;
  readonly joints: readonly number[];
  readonly qpos: readonly number[];
  readonly dofs: readonly number[];
  readonly actuators: readonly number[];
  readonly fingerActuators: readonly number[];
  /** int32[7, 7] into `views.massMatrix`. */
  readonly mass: Int32Array;
  /** Low and high of every arm motor, then of the fingers. */
  readonly ranges: Float64Array;
  readonly fingerRanges: Float64Array;
}

/**
 * Resolves an arm's names.
 * @throws {RangeError} if the scene lacks one, or the arm has not seven hinges with a motor each
 */
export function indexArm(physics: Physics, arm: ArmMeta): ArmIndex {
  const joints = arm.joints.map((name) => physics.joint(name));
  const wrong = joints.findIndex(({ kind }) => kind !== "hinge");
  if (joints.length !== ARM_DOFS || arm.actuators.length !== ARM_DOFS || wrong >= 0) {
    throw new RangeError(
      `Cannot control the arm: it has ${joints.length} joints and ${arm.actuators.length} motors, must have seven hinges and seven motors`,
    );
  }
  const ids = (names: readonly string[]): readonly number[] =>
    names.map((name) => physics.id("actuator", name));
  const ranges = (names: readonly string[]): Float64Array =>
    Float64Array.from(ids(names).flatMap((id) => physics.commandRange(id)));
  return {
    site: physics.id("site", arm.site),
    joints: joints.map(({ id }) => id),
    qpos: joints.map(({ qposAddress }) => qposAddress),
    dofs: joints.map(({ dofAddress }) => dofAddress),
    actuators: ids(arm.actuators),
    fingerActuators: ids(arm.fingerActuators),
    mass: physics.massMatrixIndex(joints.map(({ dofAddress }) => dofAddress)),
    ranges: ranges(arm.actuators),
    fingerRanges: ranges(arm.fingerActuators),
  };
}

/**
 * The controller's closed form of the Jacobian leaves other joints out: there must be none.
 * @throws {RangeError} if a joint besides the arm's moves the tool centre
 */
export function assertChain(physics: Physics, { site, dofs }: ArmIndex): void {
  const position = new Float64Array(3 * physics.nv);
  const rotation = new Float64Array(3 * physics.nv);
  physics.reset();
  physics.place();
  physics.siteJacobian(site, position, rotation);
  for (let dof = 0; dof < physics.nv; dof++) {
    const moves = [0, 1, 2].some(
      (row) => position[row * physics.nv + dof] !== 0 || rotation[row * physics.nv + dof] !== 0,
    );
    if (moves && !dofs.includes(dof)) {
      throw new RangeError(
        `Cannot control the arm: degree of freedom ${dof} moves the tool centre too, only the arm's seven hinges may`,
      );
    }
  }
}

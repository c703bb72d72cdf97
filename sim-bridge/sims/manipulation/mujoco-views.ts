import { arenaInts } from "./mujoco-engine.ts";
import type { EngineData } from "./mujoco-module.ts";

/** Numbers of the running simulation, as views into engine memory. Valid until the next compile. */
export interface PhysicsViews {
  readonly qpos: Float64Array;
  readonly qvel: Float64Array;
  readonly ctrl: Float64Array;
  /** Body poses in the world: float64[nbody, 3], [nbody, 4] wxyz, [nbody, 9] row-major. */
  readonly xpos: Float64Array;
  readonly xquat: Float64Array;
  readonly xmat: Float64Array;
  /** Joint anchors and axes in the world: float64[njnt, 3]. */
  readonly xanchor: Float64Array;
  readonly xaxis: Float64Array;
  readonly geomXpos: Float64Array;
  readonly geomXmat: Float64Array;
  readonly siteXpos: Float64Array;
  readonly siteXmat: Float64Array;
  /** Coriolis, centrifugal and gravitational forces: float64[nv]. */
  readonly qfrcBias: Float64Array;
  /** Mass matrix, sparse lower triangle; see `massMatrixIndex`. */
  readonly massMatrix: Float64Array;
  /** The arena as integers; contacts lie at its start. */
  readonly arenaInts: Int32Array;
}

/** Makes the views anew; each access to the engine's own properties does so too, which is slow. */
export function bindViews(data: EngineData): PhysicsViews {
  return {
    qpos: data.qpos,
    qvel: data.qvel,
    ctrl: data.ctrl,
    xpos: data.xpos,
    xquat: data.xquat,
    xmat: data.xmat,
    xanchor: data.xanchor,
    xaxis: data.xaxis,
    geomXpos: data.geom_xpos,
    geomXmat: data.geom_xmat,
    siteXpos: data.site_xpos,
    siteXmat: data.site_xmat,
    qfrcBias: data.qfrc_bias,
    massMatrix: data.M,
    arenaInts: arenaInts(data),
  };
}

/** What the fitted policy looks at and how large it is. The numbers were chosen once and are part of the package. */
export interface FittedConfig {
  /** Camera whose first picture says where the target is. */
  readonly camera: string;
  readonly imageHeight: number;
  readonly imageWidth: number;
  /** Palette size before selection; colours that no target needs are dropped. */
  readonly paletteSize: number;
  /** Width of a palette colour's Gaussian in colour space. */
  readonly colourWidth: number;
  /** Maps averaged per target. */
  readonly mapsPerTarget: number;
  /** Ridge penalty of the position fit. */
  readonly positionRidge: number;
  /** Random Fourier features of the action fit. */
  readonly fourierFeatures: number;
  /** Standard deviation of their frequencies, per unit of the scaled state. */
  readonly fourierScale: number;
  /** Ridge penalty of the action fit. */
  readonly actionRidge: number;
  /** Rows of a predicted chunk; the policy is made to be asked again after all of them. */
  readonly horizon: number;
}

export const DEFAULT_CONFIG: FittedConfig = {
  camera: "front",
  imageHeight: 128,
  imageWidth: 128,
  paletteSize: 32,
  colourWidth: 0.09,
  mapsPerTarget: 3,
  positionRidge: 1e-7,
  fourierFeatures: 512,
  fourierScale: 0.7,
  actionRidge: 1e-3,
  horizon: 8,
};

/** Proprio components in the order the policy reads them: position, orientation, opening. */
export const PROPRIO = [
  { name: "eef_position", size: 3 },
  { name: "eef_quat_xyzw", size: 4 },
  { name: "gripper_opening", size: 1 },
] as const;
export const PROPRIO_DIM = 8;
export const ACTION_DIM = 7;
/** `[seen, x, y, previousOpening]`: carried from decision to decision. */
export const MEMORY_DIM = 4;

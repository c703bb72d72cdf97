/**
 * What a scene looks like and where its things are, in words any viewer or expert understands.
 * World frame: metres, right-handed, z up. Quaternions here are wxyz (MuJoCo's order).
 */

export type Vec3 = readonly [number, number, number];
export type QuatWxyz = readonly [number, number, number, number];

/** A drawable part, fixed to a body. Half extents and radii in metres. */
export interface SceneGeom {
  /** Name of the body whose pose moves it. */
  readonly body: string;
  readonly shape:
    | { readonly kind: "box"; readonly halfExtents: Vec3 }
    | { readonly kind: "sphere"; readonly radius: number }
    | { readonly kind: "ellipsoid"; readonly radii: Vec3 }
    /** Axis along local z. */
    | { readonly kind: "cylinder"; readonly radius: number; readonly halfLength: number }
    /** Axis along local z; hemispheres beyond `halfLength`. */
    | { readonly kind: "capsule"; readonly radius: number; readonly halfLength: number }
    /** Normal along local z; half extents 0 mean unbounded. */
    | { readonly kind: "plane"; readonly halfExtents: readonly [number, number] }
    | {
        readonly kind: "mesh";
        /** `[3 * n]` vertices and `[3 * m]` triangle indices, counter-clockwise from outside. */
        readonly vertices: readonly number[];
        readonly triangles: readonly number[];
      };
  /** Pose of the geom in its body's frame. */
  readonly position: Vec3;
  readonly quatWxyz: QuatWxyz;
  /** sRGB and opacity, each in [0, 1]. */
  readonly rgba: readonly [number, number, number, number];
}

export interface SceneCamera {
  readonly name: string;
  /** Body it is fixed to, `world` for a static camera. Looks along its own -z, y up. */
  readonly body: string;
  readonly position: Vec3;
  readonly quatWxyz: QuatWxyz;
  readonly fovyRad: number;
}

/** Everything needed to draw an episode besides the poses; sent once, at `reset`. */
export interface SceneDescription {
  /** Order of the rows of `TimeStep.poses`. The first is `world`. */
  readonly bodies: readonly string[];
  readonly geoms: readonly SceneGeom[];
  readonly cameras: readonly SceneCamera[];
  /** Body of the gripper, for "follow" views and for drawing predicted paths. */
  readonly gripperBody?: string;
  /** Where a component of the action is a place to go to and its format does not say so. */
  readonly actionPlace?: ActionPlace;
}

/** A component of the action whose numbers are x, y and possibly z in the frame of a body. */
export interface ActionPlace {
  readonly component: string;
  readonly body: string;
  readonly metresPerUnit: number;
}

/** Axis-aligned box in a camera image, in pixels, row 0 at the top; `max` is exclusive. */
export interface ImageBox {
  readonly xMin: number;
  readonly yMin: number;
  readonly xMax: number;
  readonly yMax: number;
}

/** A box that lies anyhow in the frame of a thing. */
export interface Cuboid {
  readonly position: Vec3;
  readonly quatWxyz: QuatWxyz;
  readonly halfExtents: Vec3;
}

/** A thing of the ground truth: a movable object, a fixture, or a named region of one. */
export interface SceneEntity {
  readonly name: string;
  readonly kind: "object" | "fixture" | "region";
  /** What it is to a person: `red cube`, `drawer cabinet`. */
  readonly category: string;
  readonly position: Vec3;
  readonly quatWxyz: QuatWxyz;
  /** Half extents of the box that bounds it in its own frame, m. */
  readonly halfExtents: Vec3;
  /** For a region or a moving part: the entity it belongs to. */
  readonly parent?: string;
  /**
   * For a jointed part (drawer, button): value, range, and the joint axis in the world frame; for a hinge also a
   * point on the axis. A positive value is a way along the axis, or a turn about it by the right hand.
   */
  readonly joint?: {
    readonly value: number;
    readonly low: number;
    readonly high: number;
    readonly axis: Vec3;
    readonly kind: "slide" | "hinge";
    readonly anchor?: Vec3;
  };
  /** Where a gripper should take hold, if not the centre (a handle), world frame. */
  readonly grasp?: Vec3;
  /**
   * Boxes around its colliding shapes, in the frame of `position` and `quatWxyz`, without those of its moving
   * parts; where one box says too little. They never change: only the first observation of an episode has them.
   */
  readonly cuboids?: readonly Cuboid[];
  /** Where it appears in each camera that sees it. */
  readonly boxes: Readonly<Record<string, ImageBox>>;
}

/** The ground truth of one instant, for experts and for annotation; never given to a learned policy. */
export interface SceneGraph {
  readonly entities: readonly SceneEntity[];
  readonly gripper: {
    readonly position: Vec3;
    readonly quatWxyz: QuatWxyz;
    /** [0, 1], 1 = open. */
    readonly opening: number;
    /** Names of the objects that touch both fingers. */
    readonly holding: readonly string[];
  };
  /** The task's goal as predicates over entity names, for instance `["on", "red_cube", "plate"]`. */
  readonly goal: readonly (readonly string[])[];
}

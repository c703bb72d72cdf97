/**
 * The ground truth of a running scene, for experts and annotation: things, their moving parts and
 * regions with poses, joints and image boxes; the gripper and what it holds; the goal.
 */
import type {
  Cuboid,
  ImageBox,
  SceneCamera,
  SceneEntity,
  SceneGraph,
  Vec3,
} from "../../../src/core/index.ts";
import { IDENTITY_POSE, composePoses, transformPoint, type Pose } from "../../../src/math/index.ts";
import type { BddlAtom } from "./bddl.ts";
import { bodyPose, shifted, sitePose, vec3At } from "./frames.ts";
import { projectedBox, unionOfBoxes, visibleBoxes } from "./image-boxes.ts";
import type { JointInfo, Physics } from "./mujoco.ts";
import type { ArmSenses } from "./proprio.ts";
import type { BoxedScene } from "./thing-boxes.ts";

/** One camera's labels, from which boxes are read. */
export interface LabelledView {
  readonly camera: SceneCamera;
  readonly width: number;
  readonly height: number;
  /** uint16[height, width]: 0 = background, else 1 + engine geom id. */
  readonly segmentation: Uint16Array;
}

export interface SceneGraphReader {
  /**
   * @param views of the cameras whose boxes are wanted. Objects, fixtures and parts get the box of
   *   their visible pixels, regions the projection of their cuboid.
   * @param options.shapes whether things come with the boxes around their colliding shapes
   */
  read(views: readonly LabelledView[], options: { readonly shapes: boolean }): SceneGraph;
}

/** What is fixed about an entity while its scene lives. */
interface EntityIndex {
  readonly name: string;
  readonly kind: SceneEntity["kind"];
  readonly category: string;
  readonly halfExtents: Vec3;
  readonly centre?: Vec3 | undefined;
  readonly grasp?: Vec3 | undefined;
  readonly parent?: string | undefined;
  readonly joint?: JointInfo | undefined;
  /** Frame of centre and grasp: a body, or for a region its site. */
  readonly frame: { readonly body: number } | { readonly site: number };
  readonly cuboids?: readonly Cuboid[] | undefined;
  /** Engine geoms that belong to it; empty for regions. */
  readonly geoms: readonly number[];
}

/** Resolves the names of a scene. @throws {RangeError} if the compiled scene lacks one */
export function sceneGraphReader(
  physics: Physics,
  scene: BoxedScene,
  options: { readonly goal: readonly BddlAtom[]; readonly senses: ArmSenses },
): SceneGraphReader {
  const entities = indexEntities(physics, scene);
  const gripperSite = physics.id("site", scene.arm.site);
  const { siteFromGripper: quatWxyz = IDENTITY_POSE.quatWxyz } = scene.arm;
  const siteFromGripper: Pose = { position: [0, 0, 0], quatWxyz };
  const fingers = scene.arm.fingerGeoms.map((geoms) => physics.geomMask(geoms));
  const objects = Object.entries(scene.things)
    .filter(([, { kind }]) => kind === "object")
    .map(([name, { contactGeoms }]) => ({ name, mask: physics.geomMask(contactGeoms) }));
  return {
    read(views, { shapes }) {
      const boxes = views.map((view) => ({
        view,
        worldFromCamera: cameraPose(physics, view.camera),
        visible: visibleBoxes(view.segmentation, view.width, physics.geomCount),
      }));
      const { position, quatWxyz } = composePoses(
        sitePose(physics.views, gripperSite),
        siteFromGripper,
      );
      return {
        entities: entities.map((entity) => ({
          ...readEntity(physics, entity, boxes),
          ...(shapes && entity.cuboids !== undefined ? { cuboids: entity.cuboids } : {}),
        })),
        gripper: {
          position,
          quatWxyz,
          opening: options.senses.opening(),
          holding: objects
            .filter(({ mask }) => fingers.every((finger) => physics.isTouching(mask, finger)))
            .map(({ name }) => name),
        },
        goal: options.goal,
      };
    },
  };
}

function indexEntities(physics: Physics, scene: BoxedScene): readonly EntityIndex[] {
  const parents = physics.bodyParents();
  const geomBodies = physics.geomBodies();
  const geomsUnder = (body: number): readonly number[] =>
    [...geomBodies.keys()].filter((geom) => isWithin(parents, geomBodies[geom]!, body));
  const onlyJoint = (names: readonly string[]): JointInfo | undefined =>
    names.length === 1 ? physics.joint(names[0]!) : undefined;

  const things = Object.entries(scene.things).map(([name, thing]): EntityIndex => {
    const body = physics.id("body", thing.rootBody);
    const { kind, category, halfExtents, centre, grasp, cuboids } = thing;
    const joint = kind === "fixture" ? onlyJoint(thing.joints) : undefined;
    const geoms = geomsUnder(body);
    const what = { name, kind, category, halfExtents, centre, grasp, cuboids };
    return { ...what, joint, frame: { body }, geoms };
  });
  const parts = scene.parts.map((part): EntityIndex => {
    const body = physics.id("body", part.body);
    const { name, category, parent, halfExtents, centre, grasp, cuboids } = part;
    const joint = physics.joint(part.joint);
    const rest = { joint, frame: { body }, geoms: geomsUnder(body) };
    return {
      name,
      kind: "fixture",
      category,
      parent,
      halfExtents,
      centre,
      grasp,
      cuboids,
      ...rest,
    };
  });
  const regions = Object.entries(scene.regions).map(([name, region]): EntityIndex => ({
    name,
    kind: "region",
    category: region.category ?? "region",
    parent: region.parent ?? undefined,
    halfExtents: region.size,
    joint: onlyJoint(region.joints),
    frame: { site: physics.id("site", name) },
    geoms: [],
  }));
  return [...things, ...parts, ...regions];
}

/** Whether a body is `ancestor` or hangs below it. */
function isWithin(parents: Int32Array, body: number, ancestor: number): boolean {
  let at = body;
  while (at !== ancestor && at !== 0) at = parents[at]!;
  return at === ancestor;
}

interface CameraBoxes {
  readonly view: LabelledView;
  readonly worldFromCamera: Pose;
  readonly visible: readonly (ImageBox | undefined)[];
}

function readEntity(
  physics: Physics,
  entity: EntityIndex,
  cameras: readonly CameraBoxes[],
): SceneEntity {
  const { views } = physics;
  const { frame, joint } = entity;
  const worldFromFrame =
    "body" in frame ? bodyPose(views, frame.body) : sitePose(views, frame.site);
  const pose = shifted(worldFromFrame, entity.centre);
  const boxes: Record<string, ImageBox> = {};
  for (const camera of cameras) {
    const box = boxOf(entity, pose, camera);
    if (box !== undefined) boxes[camera.view.camera.name] = box;
  }
  return {
    name: entity.name,
    kind: entity.kind,
    category: entity.category,
    position: pose.position,
    quatWxyz: pose.quatWxyz,
    halfExtents: entity.halfExtents,
    ...(entity.parent === undefined ? {} : { parent: entity.parent }),
    ...(joint === undefined ? {} : { joint: readJoint(physics, joint) }),
    ...(entity.grasp === undefined ? {} : { grasp: transformPoint(worldFromFrame, entity.grasp) }),
    boxes,
  };
}

function boxOf(entity: EntityIndex, pose: Pose, camera: CameraBoxes): ImageBox | undefined {
  if (entity.kind !== "region") return unionOfBoxes(entity.geoms.map((g) => camera.visible[g]));
  const { view, worldFromCamera } = camera;
  const { width, height } = view;
  const pinhole = { worldFromCamera, fovyRad: view.camera.fovyRad, width, height };
  return projectedBox(pinhole, pose, entity.halfExtents);
}

function readJoint(physics: Physics, joint: JointInfo): NonNullable<SceneEntity["joint"]> {
  return {
    value: physics.views.qpos[joint.qposAddress]!,
    low: joint.low,
    high: joint.high,
    axis: vec3At(physics.views.xaxis, joint.id),
    ...(joint.kind === "slide"
      ? { kind: "slide" }
      : { kind: "hinge", anchor: vec3At(physics.views.xanchor, joint.id) }),
  };
}

function cameraPose(physics: Physics, camera: SceneCamera): Pose {
  const body = camera.body === "world" ? 0 : physics.id("body", camera.body);
  return composePoses(bodyPose(physics.views, body), camera);
}

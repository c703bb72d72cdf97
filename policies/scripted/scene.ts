/** What the names of a goal stand for in a scene. */
import type { SceneEntity, SceneGraph } from "../../src/core/index.ts";

type Entities = Pick<SceneGraph, "entities">;

/** @throws {RangeError} for a name that the scene does not have */
export function entityNamed({ entities }: Entities, name: string): SceneEntity {
  const found = entities.find((entity) => entity.name === name);
  if (found !== undefined) return found;
  const names = entities.map((entity) => entity.name).join(", ");
  throw new RangeError(`Cannot find "${name}": it is not in the scene, must be one of ${names}`);
}

/**
 * The moving part that a goal's name stands for: itself, a part of it, or a part of its owner; undefined where none moves.
 * @throws {RangeError} for a name that the scene does not have
 */
export function movingPart(scene: Entities, name: string): SceneEntity | undefined {
  const entity = entityNamed(scene, name);
  const parts = scene.entities.filter(
    ({ joint, kind, parent }) => joint !== undefined && kind !== "region" && parent !== undefined,
  );
  const own = parts.filter(({ parent, name: part }) => parent === name || part === name);
  const others = parts.filter(({ parent }) => parent !== undefined && parent === entity.parent);
  const among = own.length > 0 ? own : others;
  // Several drawers: the one whose centre is nearest to the named region.
  return among.sort((p, q) => gap(p, entity) - gap(q, entity))[0];
}

function gap(a: SceneEntity, b: SceneEntity): number {
  return Math.hypot(...a.position.map((value, axis) => value - (b.position[axis] ?? 0)));
}

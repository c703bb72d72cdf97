/** What goals ask of parts on joints: drawers and doors opened and shut, knobs turned, buttons pressed. */
import { endsOf } from "./handle.ts";
import { pullOpen, pushShut, turnKnob } from "./mechanism.ts";
import type { Skill, View } from "./motion.ts";
import { movingPart } from "./scene.ts";
import { press, slidePart } from "./skills.ts";

/** How much further than what counts as open or closed a drawer is taken. */
const OPEN_SHARE = 0.95;
const SHUT_M = 0.007;

/** What an atom asks of the joint of a part. */
export interface Ask {
  readonly name: string;
  readonly to: "open" | "shut";
  readonly attempt: number;
}

/** Opens or closes a drawer or a door. */
export function* moveTo(view: View, { name, to, attempt }: Ask): Skill<boolean> {
  const part = movingPart(view.scene, name);
  const joint = part?.joint;
  if (part === undefined || joint === undefined) return false;
  if (view.cuboids(part.name).length === 0) {
    return yield* slide(view, { name, open: to === "open" });
  }
  const isDone = (): boolean => isAt(view, part.name, to);
  if (isDone()) return true;
  const work = { name: part.name, isDone, attempt };
  return to === "open" ? yield* pullOpen(view, work) : yield* pushShut(view, work);
}

/** Turns a knob; what has no told shape and is called to be turned on is a button. */
export function* turn(view: View, { name, to, attempt }: Ask): Skill<boolean> {
  const part = movingPart(view.scene, name);
  if (part?.joint === undefined) return false;
  if (part.joint.kind === "slide") return yield* pressDown(view, name);
  const isDone = (): boolean => isAt(view, part.name, to);
  if (isDone()) return true;
  return yield* turnKnob(view, { name: part.name, isDone, attempt, to });
}

/** How much of its range a part must have moved to be open for good: all of a drawer's, most of a door's. */
const OPENED = { slide: 0.9, hinge: 0.7 } as const;
/** A part that can go no further than its zero is shut when it is so near to it, m or rad; others beyond it. */
const SHUT = 0.004;
const BEYOND = 0.0005;

function isAt(view: View, name: string, to: "open" | "shut"): boolean {
  const { joint } = view.entity(name);
  if (joint === undefined) return false;
  const { shut, open } = endsOf(joint);
  const share = (joint.value - shut) / (open - shut);
  const near = shut === 0 ? SHUT : Math.abs(shut) - BEYOND;
  return to === "open" ? share > OPENED[joint.kind] : Math.abs(joint.value - shut) < near;
}

function* slide(view: View, options: { name: string; open: boolean }): Skill<boolean> {
  const part = movingPart(view.scene, options.name);
  const joint = part?.joint;
  if (part === undefined || joint === undefined) return false;
  // Closed is where the joint is nearest to 0.
  const far = Math.abs(joint.low) > Math.abs(joint.high) ? joint.low : joint.high;
  const to = options.open ? far * OPEN_SHARE : 0;
  const isDone = (): boolean => {
    const value = view.entity(part.name).joint?.value ?? 0;
    return options.open ? Math.abs(value) > Math.abs(far) * 0.9 : Math.abs(value) < SHUT_M;
  };
  if (isDone()) return true;
  return yield* slidePart(view, { name: part.name, to, isDone });
}

export function* pressDown(view: View, name: string): Skill<boolean> {
  const part = movingPart(view.scene, name);
  if (part?.joint === undefined) return false;
  const { low, high } = part.joint;
  const rest = Math.abs(low) > Math.abs(high) ? high : low;
  const range = Math.abs(high - low);
  const isDone = (): boolean =>
    Math.abs((view.entity(part.name).joint?.value ?? rest) - rest) > 0.85 * range;
  return yield* press(view, { name: part.name, isDone });
}

import type { Vec3 } from "../../src/core/index.ts";
import type { View } from "./motion.ts";
import { worldHalfExtents } from "./motion.ts";

/** Reach of the arm on the table, measured from its base, m. */
const REACH_M = { nearest: 0.3, furthest: 0.78 } as const;
const BASE_X_M = -0.6;

/** The candidate with the most room around it, within reach. Earlier candidates win ties. */
export function roomiestSpot(
  view: View,
  options: { spots: readonly Vec3[]; ignore: readonly string[] },
): Vec3 {
  const [first] = options.spots;
  if (first === undefined) {
    throw new RangeError("Cannot choose a spot: there are no candidates, must be at least one");
  }
  let best = first;
  let bestRoom = -Infinity;
  for (const spot of options.spots) {
    // Beyond some centimetres more room is no better: earlier candidates are then preferred.
    const room = Math.min(0.03, roomAt(view, spot, options.ignore));
    if (room > bestRoom + 1e-9) {
      best = spot;
      bestRoom = room;
    }
  }
  return best;
}

function roomAt(view: View, spot: Vec3, ignore: readonly string[]): number {
  const radius = Math.hypot(spot[0] - BASE_X_M, spot[1]);
  if (radius < REACH_M.nearest || radius > REACH_M.furthest) return -1;
  let room = Infinity;
  for (const entity of view.scene.entities) {
    if (entity.kind === "region" || ignore.includes(entity.name)) continue;
    const [hx, hy] = worldHalfExtents(entity);
    const dx = Math.max(0, Math.abs(spot[0] - entity.position[0]) - hx);
    const dy = Math.max(0, Math.abs(spot[1] - entity.position[1]) - hy);
    room = Math.min(room, Math.hypot(dx, dy) - 0.03);
  }
  return room;
}

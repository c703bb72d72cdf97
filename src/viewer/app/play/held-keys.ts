/** Keys that are held, as an action row of the arm: `float32[7]`, in the units of CONVENTIONS.md. */
import type { KeyCommand } from "../keyboard.ts";

/** Share of the largest step per control step: 0.4 x 0.05 m and 0.15 x 0.5 rad. */
const SPEED = { move: 0.4, turn: 0.15 } as const;

interface Axis {
  readonly dim: number;
  readonly by: number;
}

/** World frame: x away from the robot, y to its left, z up. */
const AXES: Readonly<Record<string, Axis>> = {
  w: { dim: 0, by: SPEED.move },
  s: { dim: 0, by: -SPEED.move },
  a: { dim: 1, by: SPEED.move },
  d: { dim: 1, by: -SPEED.move },
  e: { dim: 2, by: SPEED.move },
  q: { dim: 2, by: -SPEED.move },
  j: { dim: 3, by: -SPEED.turn },
  l: { dim: 3, by: SPEED.turn },
  i: { dim: 4, by: SPEED.turn },
  k: { dim: 4, by: -SPEED.turn },
  u: { dim: 5, by: SPEED.turn },
  o: { dim: 5, by: -SPEED.turn },
};
const GRIPPER_DIM = 6;
const ROW = 7;

/** Turned by a finer hand while Shift is held. */
const FINE = 0.35;

/** The row that held keys ask for; opposite keys cancel. */
export function rowOf(
  held: ReadonlySet<string>,
  { closed, fine }: { readonly closed: boolean; readonly fine: boolean },
): Float32Array {
  const row = new Float32Array(ROW);
  for (const key of held) {
    const axis = AXES[key];
    if (axis !== undefined) row[axis.dim]! += axis.by * (fine ? FINE : 1);
  }
  row[GRIPPER_DIM] = closed ? 1 : -1;
  return row;
}

export interface HeldKeys {
  /** Opens the gripper, as at the beginning of an episode. */
  reset(): void;
  close(): void;
}

/** Listens while the keyboard drives; tells of every change. */
export function listenForHeldKeys(options: {
  readonly inForce: () => boolean;
  readonly onRow: (row: Float32Array) => void;
}): HeldKeys {
  const held = new Set<string>();
  let closed = false;
  let fine = false;
  const tell = (): void => options.onRow(rowOf(held, { closed, fine }));
  const down = (event: KeyboardEvent): void => {
    if (!options.inForce() || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement)
      return;
    const key = event.key.toLowerCase();
    fine = event.shiftKey;
    if (key === "g" && !event.repeat) closed = !closed;
    else if (key in AXES) held.add(key);
    else if (key !== "shift") return;
    tell();
  };
  const up = (event: KeyboardEvent): void => {
    fine = event.shiftKey;
    if (held.delete(event.key.toLowerCase()) || event.key === "Shift") tell();
  };
  const release = (): void => {
    held.clear();
    tell();
  };
  addEventListener("keydown", down);
  addEventListener("keyup", up);
  addEventListener("blur", release);
  return {
    reset() {
      closed = false;
    },
    close() {
      removeEventListener("keydown", down);
      removeEventListener("keyup", up);
      removeEventListener("blur", release);
    },
  };
}

/** For the help: the keys work while they are held, so that the commands themselves do nothing. */
export const DRIVING_KEYS: readonly KeyCommand[] = [
  { keys: ["w", "s"], label: "W S", words: "hand away, towards the robot" },
  { keys: ["a", "d"], label: "A D", words: "hand to the robot's left, right" },
  { keys: ["e", "q"], label: "E Q", words: "hand up, down" },
  { keys: ["i", "k", "j", "l", "u", "o"], label: "I K J L U O", words: "turn the hand" },
  { keys: ["g"], label: "G", words: "close or open the gripper" },
].map((command) => ({ ...command, run: () => undefined }));

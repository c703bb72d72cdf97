/** What a decoder refuses. Every figure is per message unless it says otherwise. */
export interface WireLimits {
  /** Sum of all frames. */
  readonly maxMessageBytes: number;
  /** Frame 0: the envelope with its names, texts, JSON and snapshots. */
  readonly maxHeaderBytes: number;
  /** Tensors, hence frames after the first. */
  readonly maxTensors: number;
  /** Dimensions of one tensor or component. */
  readonly maxRank: number;
  /** Characters of a name (component, camera, task, version key, error code). */
  readonly maxNameLength: number;
  /** Characters of a text (instruction, description, error message, text observation). */
  readonly maxTextLength: number;
  /** Entries of a list (tasks, steps, components, bounds, map entries). */
  readonly maxListLength: number;
  /** Nesting of JSON fields. */
  readonly maxJsonDepth: number;
}

const MIB = 1024 * 1024;

export const DEFAULT_LIMITS: WireLimits = {
  maxMessageBytes: 256 * MIB,
  maxHeaderBytes: 64 * MIB,
  maxTensors: 4096,
  maxRank: 8,
  maxNameLength: 256,
  maxTextLength: 65_536,
  maxListLength: 65_536,
  maxJsonDepth: 32,
};

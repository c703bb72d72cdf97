import { ProtobufReader } from "./protobuf-reader.ts";

const NUMBERS_PER_POSE = 7;
/** Offsets in a pose of the fields 1.. of foxglove.Vector3 (x y z) and foxglove.Quaternion (x y z w). */
const TRANSLATION_AT = [0, 1, 2];
const ROTATION_AT = [4, 5, 6, 3];

/** `float64[bodies, 7]` with every body at the world's origin: x y z, qw qx qy qz. */
export function identityPoses(bodies: number): Float64Array {
  const poses = new Float64Array(bodies * NUMBERS_PER_POSE);
  for (let i = 3; i < poses.length; i += NUMBERS_PER_POSE) poses[i] = 1;
  return poses;
}

/**
 * Writes the transforms of a foxglove.FrameTransforms into `poses`.
 *
 * @param rowOfFrame body name -> row of `poses`; other frames are passed over
 * @throws {SyntaxError}
 */
export function decodeTransforms(
  bytes: Uint8Array,
  rowOfFrame: ReadonlyMap<string, number>,
  poses: Float64Array,
): void {
  const reader = new ProtobufReader(bytes);
  while (reader.next()) {
    if (reader.field === 1) decodeTransform(reader.message(), rowOfFrame, poses);
    else reader.skip();
  }
}

function decodeTransform(
  reader: ProtobufReader,
  rowOfFrame: ReadonlyMap<string, number>,
  poses: Float64Array,
): void {
  let row: number | undefined;
  // Proto3 leaves zeros out, so absent numbers are zeros.
  const pose = new Float64Array(NUMBERS_PER_POSE);
  while (reader.next()) {
    if (reader.field === 3) row = rowOfFrame.get(reader.string());
    else if (reader.field === 4) readNumbers(reader.message(), TRANSLATION_AT, pose);
    else if (reader.field === 5) readNumbers(reader.message(), ROTATION_AT, pose);
    else reader.skip();
  }
  if (row !== undefined) poses.set(pose, row * NUMBERS_PER_POSE);
}

function readNumbers(reader: ProtobufReader, places: readonly number[], pose: Float64Array): void {
  while (reader.next()) {
    const place = places[reader.field - 1];
    if (place === undefined) reader.skip();
    else pose[place] = reader.double();
  }
}

const quat = new Float64Array(4);
const matrix = new Float64Array(9);
const { fround } = Math;

/**
 * The rotation matrix of a rotation vector (rad), with robosuite 1.4's roundings: its `quat2mat` is
 * compiled for float32, so goals of rotating actions are only good to 1e-7, and following recorded
 * LIBERO episodes needs the same digits.
 *
 *     q = [w, x, y, z] rounded        n = |q|^2: products float32, their sum float64, then rounded
 *     q = q sqrt(2 / n) rounded       off the diagonal q_i q_j +- q_k q_l in float32
 *                                     on it 1 - q_i^2 - q_j^2 in float64
 *
 * @returns float64[9] row-major, overwritten by the next call
 */
export function robosuiteRotation(x: number, y: number, z: number): Float64Array {
  // Not Math.hypot, whose digits depend on the JavaScript engine's version.
  const angle = Math.sqrt(x * x + y * y + z * z);
  const scale = angle === 0 ? 0 : Math.sin(angle / 2);
  quat[0] = fround(angle === 0 ? 1 : Math.cos(angle / 2));
  quat[1] = fround(angle === 0 ? 0 : (x / angle) * scale);
  quat[2] = fround(angle === 0 ? 0 : (y / angle) * scale);
  quat[3] = fround(angle === 0 ? 0 : (z / angle) * scale);
  let squares = 0;
  for (let i = 0; i < 4; i++) squares += fround(quat[i]! * quat[i]!);
  const factor = Math.sqrt(2 / fround(squares));
  for (let i = 0; i < 4; i++) quat[i] = fround(quat[i]! * factor);
  matrix[0] = 1 - product(2, 2) - product(3, 3);
  matrix[1] = fround(product(1, 2) - product(3, 0));
  matrix[2] = fround(product(1, 3) + product(2, 0));
  matrix[3] = fround(product(1, 2) + product(3, 0));
  matrix[4] = 1 - product(1, 1) - product(3, 3);
  matrix[5] = fround(product(2, 3) - product(1, 0));
  matrix[6] = fround(product(1, 3) - product(2, 0));
  matrix[7] = fround(product(2, 3) + product(1, 0));
  matrix[8] = 1 - product(1, 1) - product(2, 2);
  return matrix;
}

function product(i: number, j: number): number {
  return fround(quat[i]! * quat[j]!);
}

/** Drawn-only meshes made by turning a profile about z: bowls, mugs, plates, bottles. */
import type { MjcfElement } from "../../../robots/mjcf.ts";
import { element } from "../../../robots/mjcf.ts";

/** Closed outline `[radius, z]`, anticlockwise seen with z up: up the outside, down the inside. */
type Profile = readonly (readonly [radius: number, z: number])[];

const SEGMENTS = 28;

const PROFILES: Readonly<Record<string, Profile>> = {
  // z is measured from the centre of the thing's box.
  bowl: [
    [0, -0.025],
    [0.034, -0.025],
    [0.038, -0.021],
    [0.058, -0.006],
    [0.072, 0.016],
    [0.076, 0.025],
    [0.072, 0.025],
    [0.067, 0.016],
    [0.054, -0.002],
    [0.034, -0.018],
    [0, -0.019],
  ],
  plate: [
    [0, -0.011],
    [0.052, -0.011],
    [0.06, -0.007],
    [0.085, 0.009],
    [0.085, 0.011],
    [0.062, -0.001],
    [0.052, -0.004],
    [0, -0.004],
  ],
  mug: [
    [0, -0.034],
    [0.0225, -0.034],
    [0.025, -0.031],
    [0.026, -0.01],
    [0.026, 0.034],
    [0.0232, 0.034],
    [0.0225, -0.029],
    [0, -0.029],
  ],
  bottle: [
    [0, -0.06],
    [0.023, -0.06],
    [0.026, -0.056],
    [0.026, 0.016],
    [0.022, 0.028],
    [0.012, 0.038],
    [0.011, 0.046],
    [0, 0.046],
  ],
};

/** The `<mesh>` of a profile. @throws {RangeError} for an unknown name */
export function latheMesh(name: string): MjcfElement {
  const profile = PROFILES[name];
  if (profile === undefined) {
    throw new RangeError(`Cannot make a mesh: there is no profile named "${name}"`);
  }
  const { vertices, faces } = lathe(profile);
  return element("mesh", { name, vertex: vertices, face: faces });
}

/** Turns the outline about z; points on the axis become one vertex. Faces are outward. */
function lathe(profile: Profile): { vertices: number[]; faces: number[] } {
  const vertices: number[] = [];
  const rings = profile.map(([radius, z]) => {
    const first = vertices.length / 3;
    const count = radius === 0 ? 1 : SEGMENTS;
    for (let k = 0; k < count; k++) {
      const angle = (2 * Math.PI * k) / SEGMENTS;
      // Micrometre steps keep the text short.
      vertices.push(round(radius * Math.cos(angle)), round(radius * Math.sin(angle)), z);
    }
    return (k: number): number => first + (count === 1 ? 0 : k % SEGMENTS);
  });
  const faces: number[] = [];
  for (const [index, lower] of rings.slice(0, -1).entries()) {
    const upper = rings[index + 1]!;
    for (let k = 0; k < SEGMENTS; k++) {
      const [a, b, c, d] = [lower(k), lower(k + 1), upper(k + 1), upper(k)];
      if (a !== b) faces.push(a, b, c);
      if (c !== d) faces.push(a, c, d);
    }
  }
  return { vertices, faces };
}

function round(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

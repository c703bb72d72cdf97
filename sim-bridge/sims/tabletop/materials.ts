/** Colours and procedural textures, by name; a scene takes only those its geoms use. */
import type { MjcfElement } from "../../../robots/mjcf.ts";
import { element } from "../../../robots/mjcf.ts";
import { seeded } from "../../../src/core/index.ts";
import { encodeStoredPng } from "../../../src/episode/stored-png.ts";

type Rgb = readonly [number, number, number];

/** Plain paints. */
const PAINTS: Readonly<Record<string, Rgb>> = {
  white: [0.92, 0.92, 0.9],
  cream: [0.96, 0.9, 0.76],
  black: [0.1, 0.1, 0.12],
  charcoal: [0.24, 0.26, 0.29],
  steel: [0.66, 0.69, 0.72],
  red: [0.86, 0.14, 0.13],
  green: [0.13, 0.62, 0.24],
  blue: [0.12, 0.33, 0.85],
  yellow: [0.97, 0.8, 0.12],
  orange: [0.96, 0.5, 0.1],
  purple: [0.54, 0.22, 0.7],
  teal: [0.1, 0.58, 0.6],
  pink: [0.93, 0.5, 0.6],
  brown: [0.45, 0.28, 0.16],
  wall: [0.9, 0.92, 0.9],
  wainscot: [0.62, 0.72, 0.72],
  skirting: [0.93, 0.93, 0.91],
  cabinet_body: [0.36, 0.5, 0.56],
  cabinet_front: [0.87, 0.86, 0.8],
};

/** Blocks whose edges are drawn darker, so that their pose is legible in a small image. */
const BLOCKS: Readonly<Record<string, Rgb>> = {
  red: PAINTS["red"]!,
  green: PAINTS["green"]!,
  blue: PAINTS["blue"]!,
  yellow: PAINTS["yellow"]!,
  orange: PAINTS["orange"]!,
  purple: PAINTS["purple"]!,
};

interface Wood {
  readonly light: Rgb;
  readonly dark: Rgb;
  /** Growth rings across the picture. */
  readonly rings: number;
  /** How often the picture repeats along u and v. */
  readonly repeat: readonly [number, number];
}

const WOODS: Readonly<Record<string, Wood>> = {
  table_wood: {
    light: [0.83, 0.68, 0.49],
    dark: [0.7, 0.52, 0.34],
    rings: 9,
    repeat: [1, 2],
  },
  shelf_wood: { light: [0.6, 0.41, 0.25], dark: [0.45, 0.28, 0.16], rings: 4, repeat: [1, 1] },
  block_wood: { light: [0.88, 0.74, 0.53], dark: [0.74, 0.56, 0.36], rings: 5, repeat: [1, 1] },
};

const WOOD_SIZE = 256;

/** `<texture>` and `<material>` elements of a material, and the files they need. */
export interface MaterialParts {
  readonly elements: readonly MjcfElement[];
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/**
 * A material by name: a paint (`red`), a marked block (`red_block`), a wood or `floor`.
 * @throws {RangeError} for an unknown name
 */
export function materialParts(name: string): MaterialParts {
  const paint = PAINTS[name];
  if (paint !== undefined) return paintMaterial(name, paint);
  const block = name.endsWith("_block") ? BLOCKS[name.slice(0, -"_block".length)] : undefined;
  if (block !== undefined) return blockMaterial(name, block);
  if (WOODS[name] !== undefined) return woodMaterial(name);
  if (name === "floor") return floorMaterial();
  throw new RangeError(`Cannot make a material: there is none named "${name}"`);
}

function paintMaterial(name: string, [r, g, b]: Rgb): MaterialParts {
  const glossy = name === "steel" || name === "black" ? 0.6 : 0.25;
  const rgba = [r, g, b, 1];
  // The lights stand over the table; without a glow of its own the wall behind would be dull.
  const emission = name === "wall" || name === "wainscot" ? 0.25 : undefined;
  return {
    elements: [element("material", { name, rgba, specular: glossy, shininess: 0.4, emission })],
    files: {},
  };
}

function blockMaterial(name: string, colour: Rgb): MaterialParts {
  const texture = element("texture", {
    name,
    type: "cube",
    builtin: "flat",
    mark: "edge",
    rgb1: colour,
    rgb2: colour,
    markrgb: colour.map((value) => value * 0.45),
    width: 24,
    height: 24,
  });
  const material = element("material", { name, texture: name, specular: 0.2, shininess: 0.3 });
  return { elements: [texture, material], files: {} };
}

function floorMaterial(): MaterialParts {
  const texture = element("texture", {
    name: "floor",
    type: "2d",
    builtin: "checker",
    rgb1: [0.42, 0.45, 0.48],
    rgb2: [0.37, 0.4, 0.43],
    mark: "edge",
    markrgb: [0.31, 0.33, 0.36],
    width: 128,
    height: 128,
  });
  const material = element("material", {
    name: "floor",
    texture: "floor",
    texrepeat: [2, 2],
    texuniform: true,
    specular: 0.1,
    shininess: 0.1,
  });
  return { elements: [texture, material], files: {} };
}

function woodMaterial(name: string): MaterialParts {
  const { repeat } = WOODS[name]!;
  const file = `${name}.png`;
  const texture = element("texture", { name, type: "2d", file });
  const material = element("material", {
    name,
    texture: name,
    texrepeat: repeat,
    specular: 0.15,
    shininess: 0.2,
  });
  return { elements: [texture, material], files: { [file]: woodTexture(name) } };
}

const woodCache = new Map<string, Uint8Array>();

/** Wood grain as a PNG. The grain runs along the image's rows (u). */
function woodTexture(name: string): Uint8Array {
  const cached = woodCache.get(name);
  if (cached !== undefined) return cached;
  const { light, dark, rings } = WOODS[name]!;
  const rng = seeded(`tabletop/wood/${name}`);
  // Slow waviness along the grain, and a tone per row for the fine fibres.
  const waves = Array.from({ length: 4 }, () => ({
    cycles: 1 + rng.int(3),
    phase: rng.uniform() * 2 * Math.PI,
    size: 0.1 + 0.25 * rng.uniform(),
  }));
  const fibres = Array.from({ length: WOOD_SIZE }, () => rng.uniform());
  const pixels = new Uint8Array(WOOD_SIZE * WOOD_SIZE * 3);
  let at = 0;
  for (let v = 0; v < WOOD_SIZE; v++) {
    for (let u = 0; u < WOOD_SIZE; u++) {
      const along = (2 * Math.PI * u) / WOOD_SIZE;
      let bend = 0;
      for (const { cycles, phase, size } of waves) bend += size * Math.sin(cycles * along + phase);
      const ring = 0.5 + 0.5 * Math.sin(2 * Math.PI * ((rings * v) / WOOD_SIZE) + bend);
      const speckle = 0.1 * (rng.uniform() - 0.5);
      const tone = 0.6 * ring * ring + 0.35 * fibres[v]! + speckle;
      for (let channel = 0; channel < 3; channel++) {
        const mix = light[channel]! + (dark[channel]! - light[channel]!) * tone;
        pixels[at++] = Math.round(255 * Math.min(1, Math.max(0, mix)));
      }
    }
  }
  const size = { width: WOOD_SIZE, height: WOOD_SIZE, channels: 3 } as const;
  const png = encodeStoredPng({ ...size, data: pixels });
  woodCache.set(name, png);
  return png;
}

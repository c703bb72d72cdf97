/**
 * The mesh files of LIBERO's exported data: one vertex per corner that differs, packed by zlib.
 *
 * Little-endian. Header of five 4-byte words: `EFM1`, encoding, vertices `n`, triangles `m`, 1 if there are texture
 * coordinates. Then, each section padded to 4 bytes:
 *
 * | encoding        | positions                                    | normals                 | texture coordinates                         | indices                                    |
 * | --------------- | -------------------------------------------- | ----------------------- | ------------------------------------------- | ------------------------------------------ |
 * | 0 (float32)     | float32[n, 3], m                             | float32[n, 3]           | float32[n, 2]                               | uint32[m, 3]                               |
 * | 1 (quantised)   | float32 low[3], high[3]; uint16[n, 3] between | int8[n, 2], octahedral  | float32 low[2], high[2]; uint16[n, 2] between | uint16[m, 3]; uint32[m, 3] if n > 65,536 |
 *
 * Octahedral normals: Cigolle et al. 2014, "A Survey of Efficient Representations for Independent Unit Vectors".
 */

/** Triangles in the frame of the mesh, m; row `i` of all arrays is vertex `i`. */
export interface IndexedMesh {
  /** float32[n, 3]. */
  readonly positions: Float32Array;
  /** float32[n, 3], unit. */
  readonly normals: Float32Array;
  /** float32[n, 2], if a texture needs them. */
  readonly texcoords: Float32Array | undefined;
  /** uint32[m, 3], counter-clockwise from outside. */
  readonly indices: Uint32Array;
}

const MAGIC = 0x314d4645; // "EFM1"
const ENCODING = { float32: 0, quantised: 1 } as const;
const HEADER_BYTES = 20;
const UINT16_STEPS = 0xffff;
const INT8_STEPS = 127;
/** Of a mesh file once it is unpacked: larger ones are no mesh of LIBERO's. */
export const MAX_MESH_BYTES = 2 ** 26;

/**
 * Reads an unpacked mesh file.
 * @throws {SyntaxError} if it is none, or damaged
 */
export function decodeMesh(bytes: Uint8Array): IndexedMesh {
  const reader = new SectionReader(bytes);
  if (bytes.length < HEADER_BYTES || reader.uint32() !== MAGIC) throw bad("it does not begin EFM1");
  const encoding = reader.uint32();
  const [n, m, textured] = [reader.uint32(), reader.uint32(), reader.uint32()];
  if (textured > 1) throw bad(`its texture word is ${textured}, must be 0 or 1`);
  const mesh =
    encoding === ENCODING.float32
      ? readFloats(reader, { n, m, textured: textured === 1 })
      : encoding === ENCODING.quantised
        ? readQuantised(reader, { n, m, textured: textured === 1 })
        : undefined;
  if (mesh === undefined) throw bad(`its encoding is ${encoding}, must be 0 or 1`);
  if (reader.left !== 0) throw bad(`${reader.left} bytes follow its end`);
  const wild = mesh.indices.find((index) => index >= n);
  if (wild !== undefined) throw bad(`it has ${n} vertices, a triangle wants number ${wild}`);
  return mesh;
}

interface MeshShape {
  readonly n: number;
  readonly m: number;
  readonly textured: boolean;
}

function readFloats(reader: SectionReader, { n, m, textured }: MeshShape): IndexedMesh {
  return {
    positions: reader.float32(3 * n),
    normals: reader.float32(3 * n),
    texcoords: textured ? reader.float32(2 * n) : undefined,
    indices: new Uint32Array(reader.take(12 * m)),
  };
}

function readQuantised(reader: SectionReader, { n, m, textured }: MeshShape): IndexedMesh {
  const positions = readRange(reader, n, 3);
  const normals = unfoldNormals(new Int8Array(reader.take(2 * n)));
  const texcoords = textured ? readRange(reader, n, 2) : undefined;
  const indices =
    n > UINT16_STEPS + 1
      ? new Uint32Array(reader.take(12 * m))
      : Uint32Array.from(new Uint16Array(reader.take(6 * m)));
  return { positions, normals, texcoords, indices };
}

/** Numbers between a lowest and a highest value of each column. */
function readRange(reader: SectionReader, n: number, columns: number): Float32Array {
  const low = reader.float32(columns);
  const high = reader.float32(columns);
  return Float32Array.from(new Uint16Array(reader.take(2 * n * columns)), (step, i) => {
    const [from, to] = [low[i % columns]!, high[i % columns]!];
    return from + (step / UINT16_STEPS) * (to - from);
  });
}

class SectionReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // A Buffer's `slice` would share its memory.
    this.#bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4, true);
  }

  float32(count: number): Float32Array {
    return new Float32Array(this.take(4 * count));
  }

  /** A copy of a section: its start need not be aligned, and the file can be forgotten. */
  take(length: number): ArrayBuffer {
    const padded = Math.ceil(length / 4) * 4;
    if (padded > this.left) throw bad(`it ends ${padded - this.left} bytes too early`);
    const section = this.#bytes.slice(this.#at, this.#at + length);
    this.#at += padded;
    return section.buffer;
  }
}

function bad(what: string): SyntaxError {
  return new SyntaxError(`Cannot read mesh file: ${what}`);
}

/** Writes a mesh in the quantised encoding, unpacked. */
export function encodeQuantisedMesh(mesh: IndexedMesh): Uint8Array {
  const n = mesh.positions.length / 3;
  const { texcoords, indices } = mesh;
  const header = Uint32Array.of(
    ...[MAGIC, ENCODING.quantised, n, indices.length / 3, texcoords === undefined ? 0 : 1],
  );
  const sections: ArrayBufferView[] = [
    header,
    ...quantised(mesh.positions, 3),
    foldNormals(mesh.normals),
    ...(texcoords === undefined ? [] : quantised(texcoords, 2)),
    n > UINT16_STEPS + 1 ? indices : Uint16Array.from(indices),
  ];
  const padded = sections.map(({ byteLength }) => Math.ceil(byteLength / 4) * 4);
  const bytes = new Uint8Array(padded.reduce((sum, length) => sum + length, 0));
  let at = 0;
  sections.forEach((section, i) => {
    bytes.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), at);
    at += padded[i]!;
  });
  return bytes;
}

/** Lowest, highest, and each number's step between the two. */
function quantised(
  rows: Float32Array,
  columns: number,
): readonly [Float32Array, Float32Array, Uint16Array] {
  const low = new Float32Array(columns).fill(Infinity);
  const high = new Float32Array(columns).fill(-Infinity);
  rows.forEach((value, i) => {
    low[i % columns] = Math.min(low[i % columns]!, value);
    high[i % columns] = Math.max(high[i % columns]!, value);
  });
  const steps = Uint16Array.from(rows, (value, i) => {
    const [from, to] = [low[i % columns]!, high[i % columns]!];
    return to === from ? 0 : Math.round(((value - from) / (to - from)) * UINT16_STEPS);
  });
  return [low, high, steps];
}

function foldNormals(normals: Float32Array): Int8Array {
  const folded = new Int8Array((2 * normals.length) / 3);
  for (let i = 0; i < folded.length / 2; i++) {
    const [x, y, z] = [normals[3 * i]!, normals[3 * i + 1]!, normals[3 * i + 2]!];
    const sum = Math.abs(x) + Math.abs(y) + Math.abs(z) || 1;
    let [u, v] = [x / sum, y / sum];
    if (z < 0) [u, v] = [(1 - Math.abs(v)) * signOf(u), (1 - Math.abs(u)) * signOf(v)];
    folded[2 * i] = Math.round(u * INT8_STEPS);
    folded[2 * i + 1] = Math.round(v * INT8_STEPS);
  }
  return folded;
}

function unfoldNormals(folded: Int8Array): Float32Array {
  const normals = new Float32Array((3 * folded.length) / 2);
  for (let i = 0; i < folded.length / 2; i++) {
    let [u, v] = [folded[2 * i]! / INT8_STEPS, folded[2 * i + 1]! / INT8_STEPS];
    const z = 1 - Math.abs(u) - Math.abs(v);
    if (z < 0) [u, v] = [(1 - Math.abs(v)) * signOf(u), (1 - Math.abs(u)) * signOf(v)];
    const length = Math.hypot(u, v, z) || 1;
    normals.set([u / length, v / length, z / length], 3 * i);
  }
  return normals;
}

function signOf(value: number): number {
  return value < 0 ? -1 : 1;
}

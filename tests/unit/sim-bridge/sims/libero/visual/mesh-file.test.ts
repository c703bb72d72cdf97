import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { IndexedMesh } from "../../../../../../sim-bridge/sims/libero/visual/mesh-file.ts";
import {
  decodeMesh,
  encodeQuantisedMesh,
} from "../../../../../../sim-bridge/sims/libero/visual/mesh-file.ts";
import { sphereMesh } from "../../../../../support/sphere-mesh.ts";

/** As the exporter writes it: `struct.pack("<4s4I", b"EFM1", 0, 3, 1, 0)` and float32 rows. */
function exportedTriangle(): Uint8Array {
  const floats = Float32Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1);
  return Uint8Array.from([
    ...[0x45, 0x46, 0x4d, 0x31, 0, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0],
    ...new Uint8Array(floats.buffer),
    ...[0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0],
  ]);
}

function withTexcoords(mesh: IndexedMesh): IndexedMesh {
  const n = mesh.positions.length / 3;
  return { ...mesh, texcoords: Float32Array.from({ length: 2 * n }, (_, i) => (i % 17) / 4 - 1) };
}

function largest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), 0);
}

describe("mesh file", () => {
  it("reads what the exporter writes", () => {
    const mesh = decodeMesh(exportedTriangle());
    expect([...mesh.positions]).toEqual([0, 0, 0, 1, 0, 0, 0, 2, 0]);
    expect([...mesh.normals]).toEqual([0, 0, 1, 0, 0, 1, 0, 0, 1]);
    expect([...mesh.indices]).toEqual([0, 1, 2]);
    expect(mesh.texcoords).toBeUndefined();
  });

  it("reads a Buffer that shares its memory with others", () => {
    const pool = Buffer.alloc(4096, 7);
    pool.set(exportedTriangle(), 100);
    const bytes = pool.subarray(100, 100 + exportedTriangle().length);
    expect([...decodeMesh(bytes).indices]).toEqual([0, 1, 2]);
  });

  it.each([
    ["without texture coordinates", sphereMesh(12)],
    ["with them", withTexcoords(sphereMesh(12))],
    ["of more vertices than 16 bits count", sphereMesh(260)],
  ])("keeps a quantised mesh %s within its steps", (_, mesh) => {
    const again = decodeMesh(encodeQuantisedMesh(mesh));
    expect([...again.indices]).toEqual([...mesh.indices]);
    expect(largest(again.positions, mesh.positions)).toBeLessThan(2 / 65535);
    // Half a step of 1/127 along each of two axes, on the steepest face of the octahedron.
    expect(largest(again.normals, mesh.normals)).toBeLessThan(0.02);
    if (mesh.texcoords === undefined) expect(again.texcoords).toBeUndefined();
    else expect(largest(again.texcoords!, mesh.texcoords)).toBeLessThan(4 / 65535);
  });

  it("refuses another file, another encoding, missing and surplus bytes, a vertex that is not there", () => {
    const good = exportedTriangle();
    const changed = (at: number, value: number): Uint8Array => {
      const bytes = good.slice();
      bytes[at] = value;
      return bytes;
    };
    expect(() => decodeMesh(new Uint8Array(3))).toThrow("does not begin EFM1");
    expect(() => decodeMesh(changed(0, 0))).toThrow("does not begin EFM1");
    expect(() => decodeMesh(changed(4, 9))).toThrow("encoding is 9, must be 0 or 1");
    expect(() => decodeMesh(good.slice(0, -4))).toThrow("ends 4 bytes too early");
    expect(() => decodeMesh(Uint8Array.from([...good, 0, 0, 0, 0]))).toThrow("4 bytes follow");
    expect(() => decodeMesh(changed(good.length - 4, 3))).toThrow("wants number 3");
  });

  it("reads or refuses any bytes", () => {
    const start = fc.constantFrom(exportedTriangle(), encodeQuantisedMesh(sphereMesh(3)));
    fc.assert(
      fc.property(
        start,
        fc.array(fc.tuple(fc.nat(200), fc.nat(255))),
        fc.nat(200),
        (bytes, edits, cut) => {
          const damaged = bytes.slice(0, bytes.length - (cut % bytes.length));
          for (const [at, value] of edits) if (at < damaged.length) damaged[at] = value;
          try {
            const mesh = decodeMesh(damaged);
            const n = mesh.positions.length / 3;
            expect(mesh.indices.every((index) => index < n)).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(SyntaxError);
          }
        },
      ),
    );
  });
});

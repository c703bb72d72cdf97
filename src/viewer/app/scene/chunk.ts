/** The predicted chunk in force: a path that fades with the horizon, thick as far as it was executed. */
import { Group, InstancedMesh, Matrix4, MeshBasicMaterial, SphereGeometry } from "three";
import { executedRows } from "../channels.ts";
import type { MotionModel } from "../chunk-path.ts";
import { motionModelOf, writeChunkPath } from "../chunk-path.ts";
import type { Theme } from "../theme.ts";
import type { ExtensionFactory, SceneContext, SceneExtension, SceneFrame } from "./extension.ts";
import { TUBE_SIDES } from "./tube.ts";
import { TubeMesh } from "./tube-mesh.ts";

const MOST_POINTS = 257;
/** Opacity at the end of the horizon. */
const FADE_TO = 0.12;
/** Of the radius, beyond what was executed. */
const THIN = 0.55;

export const createChunk: ExtensionFactory = (context) => new ChunkPath(context);

class ChunkPath implements SceneExtension {
  readonly object: Group;
  readonly #context: SceneContext;
  readonly #radius: number;
  readonly #path = new Float64Array(MOST_POINTS * 3);
  readonly #tube = new TubeMesh({ points: MOST_POINTS, hiddenOpacity: 0.3, renderOrder: 2 });
  readonly #dots = new InstancedMesh(
    new SphereGeometry(1, 12, 8),
    new MeshBasicMaterial({ transparent: true, opacity: 0.9 }),
    MOST_POINTS,
  );
  readonly #dotMatrix = new Matrix4();
  #model: MotionModel | undefined;
  #shown = -2;

  constructor(context: SceneContext) {
    this.#context = context;
    this.#model = motionModelOf(context.reader);
    this.#radius = 0.004 * context.bounds.radius + 0.002;
    this.#dots.frustumCulled = false;
    this.object = new Group().add(...this.#tube.meshes, this.#dots);
    this.setTheme(context.theme);
  }

  update({ decision }: SceneFrame): void {
    if (decision === this.#shown) return;
    this.#shown = decision;
    const { reader } = this.#context;
    const made = reader.decisions[decision];
    const poses = made === undefined ? undefined : reader.poses(made.step);
    const shows = made !== undefined && poses !== undefined && this.#model !== undefined;
    this.object.visible = shows;
    if (!shows || this.#model === undefined) return;
    const count = writeChunkPath(this.#path, this.#model, { chunk: made.chunk, poses });
    this.#draw(count, executedRows(reader, decision));
  }

  refresh(): void {
    this.#model ??= motionModelOf(this.#context.reader);
    this.#shown = -2;
  }

  setTheme({ accent }: Theme): void {
    for (const { material } of [...this.#tube.meshes, this.#dots]) material.color.set(accent);
  }

  dispose(): void {
    this.#tube.dispose();
    this.#dots.geometry.dispose();
    this.#dots.material.dispose();
    this.#dots.dispose();
  }

  #draw(count: number, executed: number): void {
    const radiusOf = (point: number): number =>
      point <= executed ? this.#radius : this.#radius * THIN;
    const along = (point: number): number => point / Math.max(1, count - 1);
    const { colors } = this.#tube;
    this.#tube.write(0, { path: this.#path, count, radiusOf });
    for (let vertex = 0; vertex < count * TUBE_SIDES; vertex++) {
      colors.fill(1, vertex * 4, vertex * 4 + 3);
      colors[vertex * 4 + 3] = 1 - (1 - FADE_TO) * along(Math.floor(vertex / TUBE_SIDES));
    }
    this.#tube.show(count - 1);
    for (let point = 0; point < count; point++) {
      const size = radiusOf(point) * (1.9 - along(point));
      const at = point * 3;
      this.#dotMatrix.makeScale(size, size, size);
      this.#dotMatrix.setPosition(this.#path[at]!, this.#path[at + 1]!, this.#path[at + 2]!);
      this.#dots.setMatrixAt(point, this.#dotMatrix);
    }
    this.#dots.count = count;
    this.#dots.instanceMatrix.needsUpdate = true;
  }
}

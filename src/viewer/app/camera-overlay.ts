/** The predicted chunk and the policy's points, drawn into a camera image where that camera would see them. */
import type { EpisodeReader } from "../../episode/types.ts";
import { executedRows } from "./channels.ts";
import type { MotionModel } from "./chunk-path.ts";
import { motionModelOf, writeChunkPath } from "./chunk-path.ts";
import type { Theme } from "./theme.ts";
import { POSE_LENGTH, projectToImage, worldPoseOf } from "./transforms.ts";

const LONGEST_HORIZON = 256;

export interface CameraOverlay {
  /** @param size CSS pixels of the image */
  draw(
    context: CanvasRenderingContext2D,
    at: { camera: string; step: number; decision: number; size: { width: number; height: number } },
  ): void;
  setTheme(theme: Theme): void;
}

export function createCameraOverlay(reader: EpisodeReader, initial: Theme): CameraOverlay {
  let theme = initial;
  let model: MotionModel | undefined;
  const path = new Float64Array((LONGEST_HORIZON + 1) * 3);
  const pose = new Float64Array(POSE_LENGTH);
  const pixel = new Float64Array(2);
  const { scene } = reader.header;

  return {
    setTheme(next) {
      theme = next;
    },
    draw(context, { camera: name, step, decision: index, size }) {
      const camera = scene?.cameras.find((candidate) => candidate.name === name);
      const decision = reader.decisions[index];
      const body = scene?.bodies.indexOf(camera?.body ?? "") ?? -1;
      const now = reader.poses(step);
      if (camera === undefined || decision === undefined || body < 0 || now === undefined) return;
      worldPoseOf(pose, camera, { poses: now, index: body });
      const lens = {
        worldFromCamera: pose,
        fovyRad: camera.fovyRad,
        aspect: size.width / size.height,
      };
      const toPixel = (at: ArrayLike<number>, offset: number): boolean => {
        const depth = projectToImage(pixel, lens, { at, offset });
        pixel[0] = pixel[0]! * size.width;
        pixel[1] = pixel[1]! * size.height;
        return depth > 0.005;
      };
      model ??= motionModelOf(reader);
      const then = reader.poses(decision.step);
      if (model !== undefined && then !== undefined) {
        const count = writeChunkPath(path, model, { chunk: decision.chunk, poses: then });
        drawPath(context, {
          path,
          count,
          executed: executedRows(reader, index),
          toPixel,
          pixel,
          theme,
        });
      }
      for (const thought of decision.thoughts) {
        if (thought.kind === "point" && toPixel(thought.position, 0)) {
          drawPoint(context, pixel, theme);
        }
      }
    },
  };
}

function drawPath(
  context: CanvasRenderingContext2D,
  args: {
    path: Float64Array;
    count: number;
    executed: number;
    toPixel: (at: ArrayLike<number>, offset: number) => boolean;
    pixel: Float64Array;
    theme: Theme;
  },
): void {
  const { path, count, executed, toPixel, pixel, theme } = args;
  context.lineCap = "round";
  context.strokeStyle = theme.accent;
  let fromX = NaN;
  let fromY = NaN;
  for (let point = 0; point < count; point++) {
    const seen = toPixel(path, point * 3);
    if (seen && !Number.isNaN(fromX)) {
      context.globalAlpha = 1 - 0.8 * (point / count);
      context.lineWidth = point <= executed ? 3 : 1.75;
      context.beginPath();
      context.moveTo(fromX, fromY);
      context.lineTo(pixel[0]!, pixel[1]!);
      context.stroke();
    }
    fromX = seen ? pixel[0]! : NaN;
    fromY = seen ? pixel[1]! : NaN;
  }
  context.globalAlpha = 1;
}

function drawPoint(context: CanvasRenderingContext2D, pixel: Float64Array, theme: Theme): void {
  context.lineWidth = 1.5;
  context.strokeStyle = theme.series[1]!;
  context.beginPath();
  context.arc(pixel[0]!, pixel[1]!, 6, 0, 2 * Math.PI);
  context.moveTo(pixel[0]! - 10, pixel[1]!);
  context.lineTo(pixel[0]! - 3, pixel[1]!);
  context.moveTo(pixel[0]! + 3, pixel[1]!);
  context.lineTo(pixel[0]! + 10, pixel[1]!);
  context.moveTo(pixel[0]!, pixel[1]! - 10);
  context.lineTo(pixel[0]!, pixel[1]! - 3);
  context.moveTo(pixel[0]!, pixel[1]! + 3);
  context.lineTo(pixel[0]!, pixel[1]! + 10);
  context.stroke();
}

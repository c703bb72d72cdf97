/** Frames of a video by an `ffmpeg` process. */
import { spawn } from "node:child_process";
import { messageOf } from "../../core/index.ts";

export interface VideoRange {
  readonly path: string;
  /** Time of the first frame in the file. */
  readonly fromS: number;
  readonly frames: number;
  readonly fps: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3 | 4;
}

const PIXELS = { 1: "gray", 3: "rgb24", 4: "rgba" } as const;

/**
 * Decodes consecutive frames.
 *
 * @returns `uint8[frames, height, width, channels]`
 * @throws {Error} if there is no `ffmpeg` on the PATH, saying how to get one
 * @throws {SyntaxError} if the video cannot be decoded, or has fewer frames
 */
export async function decodeVideo(range: VideoRange): Promise<Uint8Array> {
  const { path, frames, height, width, channels } = range;
  const bytes = new Uint8Array(frames * height * width * channels);
  const { length, errors } = await runFfmpeg(argumentsFor(range), bytes);
  if (length !== bytes.length) {
    const got = length / (height * width * channels);
    const why = errors === "" ? "" : ` (${errors})`;
    throw new SyntaxError(
      `Cannot decode "${path}" from ${range.fromS} s: there are ${got} frames of ${width} x ${height}, must be ${frames}${why}`,
    );
  }
  return bytes;
}

function argumentsFor({ path, fromS, frames, fps, channels }: VideoRange): string[] {
  // Half a frame early: the first frame not before that is the wanted one, whatever the rounding of times.
  const seek = Math.max(0, fromS - 0.5 / fps);
  const format = ["-f", "rawvideo", "-pix_fmt", PIXELS[channels]];
  const input = [...(seek > 0 ? ["-ss", seek.toFixed(6)] : []), "-i", path];
  const output = ["-map", "0:v:0", "-frames:v", String(frames), "-fps_mode", "passthrough"];
  return ["-v", "error", "-nostdin", ...input, ...output, ...format, "-"];
}

/** Fills `bytes` from standard output; what does not fit is counted and dropped. */
function runFfmpeg(
  args: readonly string[],
  bytes: Uint8Array,
): Promise<{ length: number; errors: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn("ffmpeg", args, { stdio: ["ignore", "pipe", "pipe"] });
    let length = 0;
    let errors = "";
    child.stdout.on("data", (data: Uint8Array) => {
      if (length + data.length <= bytes.length) bytes.set(data, length);
      length += data.length;
    });
    child.stderr.setEncoding("utf8");
    child.stderr.on("data", (data: string) => (errors = (errors + data).slice(-500)));
    child.on("error", (cause: NodeJS.ErrnoException) => {
      const advice =
        cause.code === "ENOENT"
          ? "there is no ffmpeg on the PATH, must be for datasets with videos (Debian: apt install ffmpeg; macOS: brew install ffmpeg; Windows: winget install ffmpeg)"
          : messageOf(cause);
      reject(new Error(`Cannot decode video: ${advice}`, { cause }));
    });
    child.on("close", () => resolve({ length, errors: errors.trim().replaceAll("\n", "; ") }));
  });
}

/** Images of a LeRobot dataset, an episode at a time: that is how they are stored. */
import { messageOf } from "../../core/index.ts";
import { FilePool } from "../dataset/file-pool.ts";
import type { FrameSource, LeRobotFrames } from "../dataset/types.ts";
import { LruCache } from "../lru-cache.ts";
import type { RasterImage } from "../png.ts";
import { decodePng } from "../png.ts";
import { imageBytes } from "./cells.ts";
import { ParquetFile } from "./parquet.ts";
import { decodeVideo } from "./video.ts";

/** Encoded images and decoded videos that are kept for the next step of the same episode. */
const KEPT_BYTES = 2 ** 27;

/** Images of one camera in one episode, decoded when they are asked for. */
type EpisodeImages = (step: number) => RasterImage;

export function openLeRobotFrames(frames: LeRobotFrames): FrameSource {
  const pool = new FilePool();
  const files = new Map<string, ParquetFile>();
  const episodes = new LruCache<string, Promise<EpisodeImages>>(KEPT_BYTES);

  const fileAt = (path: string): ParquetFile => {
    const file = files.get(path) ?? new ParquetFile(pool, path);
    files.set(path, file);
    return file;
  };

  const openImages = async (episode: number, key: string): Promise<EpisodeImages> => {
    const { data, length } = episodeOf(frames, episode);
    const { path, start } = data;
    const rows = await fileAt(path).rows({ columns: [key], start, end: start + length });
    // Copies: views would keep whole pages of the file alive.
    const images = rows.map((row) => new Uint8Array(imageBytes(row, key)));
    return (step) => decodePng(images[step]!);
  };

  const openVideo = async (episode: number, camera: string): Promise<EpisodeImages> => {
    const { videos, length } = episodeOf(frames, episode);
    const { spec } = frames.cameras[camera]!;
    const { height, width, channels } = spec;
    const { fps } = frames;
    const bytes = await decodeVideo({
      ...videos[camera]!,
      frames: length,
      fps,
      height,
      width,
      channels,
    });
    const size = height * width * channels;
    return (step) => ({
      height,
      width,
      channels,
      data: bytes.subarray(step * size, (step + 1) * size),
    });
  };

  const open = (episode: number, camera: string): Promise<EpisodeImages> => {
    const name = `${episode}/${camera}`;
    const known = episodes.get(name);
    if (known !== undefined) return known;
    const { key, kind, spec } = frames.cameras[camera]!;
    const opening = kind === "video" ? openVideo(episode, camera) : openImages(episode, key);
    // PNG is smaller than that; how much is not known before it is read.
    const bytes = spec.height * spec.width * spec.channels * episodeOf(frames, episode).length;
    episodes.set(name, opening, bytes);
    // A failed read may succeed later.
    opening.catch(() => episodes.delete(name));
    return opening;
  };

  return {
    wholeEpisodes: true,
    async read(episode, step, camera) {
      try {
        return (await open(episode, camera))(step);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new SyntaxError(
          `Cannot read image "${camera}" of step ${step} of episode ${episode}: ${messageOf(error)}`,
          { cause: error },
        );
      }
    },
    close: () => pool.close(),
  };
}

function episodeOf(frames: LeRobotFrames, episode: number): LeRobotFrames["episodes"][number] {
  const found = frames.episodes[episode];
  if (found === undefined) throw new RangeError(`Cannot read episode ${episode}: none is there`);
  return found;
}

/** Images of MCAP episodes, read by their places in the files. */
import { messageOf } from "../../core/index.ts";
import { decodeImageAt } from "../image-store.ts";
import { LruCache } from "../lru-cache.ts";
import type { FileSource } from "../node-source.ts";
import { fileSource } from "../node-source.ts";
import type { RasterImage } from "../png.ts";
import { decodePng } from "../png.ts";
import { openEpisode } from "../reader.ts";
import type { EpisodeReader } from "../types.ts";
import { FilePool } from "./file-pool.ts";
import type { FrameSource, McapEpisodeFrames, McapFrames } from "./types.ts";

/** Episodes with compressed chunks that are kept open, with their last few chunks. */
const OPEN_READERS = 16;

interface OpenReader {
  readonly file: FileSource;
  readonly reader: EpisodeReader;
}

export function openMcapFrames({ episodes }: McapFrames): FrameSource {
  return readMcapFrames((index) => Promise.resolve(episodes[index]));
}

/** Like `openMcapFrames`, for episodes whose places become known one by one. */
export function readMcapFrames(
  episodeAt: (index: number) => Promise<McapEpisodeFrames | undefined>,
): FrameSource {
  const files = new FilePool();
  const readers = new LruCache<string, Promise<OpenReader>>(OPEN_READERS);

  /** For chunks that are compressed: looks the image up as a viewer would. */
  const lookUp = async (path: string, step: number, camera: string): Promise<Encoded> => {
    let opening = readers.get(path);
    if (opening === undefined) {
      const file = fileSource(path);
      opening = openEpisode(file).then((reader) => ({ file, reader }));
      readers.set(path, opening, 1);
    }
    const image = await (await opening).reader.image(camera, step);
    return image?.step === step ? { format: image.format, data: image.bytes } : missing(step);
  };

  const encoded = async (
    { path, places }: McapEpisodeFrames,
    step: number,
    camera: string,
  ): Promise<Encoded> => {
    const place = places[camera];
    if (place === undefined) return lookUp(path, step, camera);
    const length = place.lengths[step];
    if (length === undefined) return missing(step);
    return decodeImageAt(await files.read(path, place.offsets[step]!, length));
  };

  return {
    wholeEpisodes: false,
    async read(episode, step, camera) {
      const frames = await episodeAt(episode);
      if (frames === undefined)
        throw new RangeError(`Cannot read episode ${episode}: none is there`);
      try {
        const { format, data } = await encoded(frames, step, camera);
        if (format !== "png") throw new SyntaxError(`its format is ${format}, must be png`);
        return decodePng(data);
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        throw new SyntaxError(
          `Cannot read image "${camera}" of step ${step} of "${frames.path}": ${messageOf(error)}`,
          { cause: error },
        );
      }
    },
    close: () => files.close(),
  };
}

interface Encoded {
  readonly format: string;
  readonly data: Uint8Array;
}

function missing(step: number): never {
  throw new SyntaxError(`step ${step} has no image of its own, must have`);
}

/** Checks that a decoded image is what the spec says. @throws {TypeError} */
export function assertImageShape(
  image: RasterImage,
  spec: {
    readonly name: string;
    readonly height: number;
    readonly width: number;
    readonly channels: number;
  },
): void {
  const { height, width, channels } = image;
  if (height === spec.height && width === spec.width && channels === spec.channels) return;
  throw new TypeError(
    `Cannot use image "${spec.name}": it is uint8[${height}, ${width}, ${channels}], must be uint8[${spec.height}, ${spec.width}, ${spec.channels}]`,
  );
}

/**
 * Decoded camera images, the newest few kept. Asks the reader for a step only once, and fetches the
 * neighbours in the direction of travel before they are shown.
 */
import type { EpisodeReader } from "../../episode/types.ts";

export interface ImageCache {
  /** The image at a step if it is decoded already. */
  peek(camera: string, step: number): ImageBitmap | undefined;
  /** Decodes the image of a step; undefined where there is none. */
  load(camera: string, step: number): Promise<ImageBitmap | undefined>;
  /** Forgets steps after `step`, whose images may have come in since. */
  forgetAfter(step: number): void;
  close(): void;
}

const KEPT_IMAGES = 240;

export function createImageCache(reader: EpisodeReader): ImageCache {
  // Insertion order is age: a hit is moved to the end.
  const bitmaps = new Map<string, ImageBitmap>();
  const pending = new Map<string, Promise<ImageBitmap | undefined>>();
  let closed = false;

  const keep = (key: string, bitmap: ImageBitmap): void => {
    bitmaps.set(key, bitmap);
    for (const [oldest, image] of bitmaps) {
      if (bitmaps.size <= KEPT_IMAGES) break;
      bitmaps.delete(oldest);
      image.close();
    }
  };
  const decode = async (camera: string, step: number): Promise<ImageBitmap | undefined> => {
    const image = await reader.image(camera, step);
    if (image === undefined || closed) return undefined;
    // The copy gives the Blob a plain ArrayBuffer of exactly this image.
    const blob = new Blob([image.bytes.slice()], { type: `image/${image.format}` });
    const bitmap = await createImageBitmap(blob);
    if (closed) {
      bitmap.close();
      return undefined;
    }
    keep(`${step} ${camera}`, bitmap);
    return bitmap;
  };

  return {
    peek: (camera, step) => bitmaps.get(`${step} ${camera}`),
    load(camera, step) {
      const key = `${step} ${camera}`;
      const known = bitmaps.get(key);
      if (known !== undefined) {
        bitmaps.delete(key);
        bitmaps.set(key, known);
        return Promise.resolve(known);
      }
      const running = pending.get(key);
      if (running !== undefined) return running;
      const promise = decode(camera, step).finally(() => pending.delete(key));
      pending.set(key, promise);
      return promise;
    },
    forgetAfter(step) {
      for (const [key, image] of bitmaps) {
        if (Number.parseInt(key, 10) <= step) continue;
        bitmaps.delete(key);
        image.close();
      }
    },
    close() {
      closed = true;
      for (const image of bitmaps.values()) image.close();
      bitmaps.clear();
    },
  };
}

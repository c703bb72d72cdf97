import type { ImageJob, MadeImages } from "./image-maker.ts";

/** What is posted to a thread that makes images; its `workerData` is an `ImageSetup`. */
export type ToImageThread =
  | { readonly kind: "make"; readonly id: number; readonly job: ImageJob }
  | { readonly kind: "close" };

/** The images' buffers are transferred. */
export type FromImageThread =
  | { readonly ok: true; readonly id: number; readonly made: MadeImages }
  | {
      readonly ok: false;
      readonly id: number;
      readonly error: { readonly name: string; readonly message: string; readonly stack: string };
    };

/**
 * Models on disks, with tensors in files beside them: what of ONNX needs a file system. Everything else is
 * in `index.ts`, which runs anywhere.
 */
export { readModelFile, readTensor } from "./files/read-model-file.ts";
export { writeModelFile } from "./files/write-model-file.ts";
export type { WriteModelOptions } from "./files/write-model-file.ts";

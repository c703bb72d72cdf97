/** Demonstrations as HDF5, in LIBERO's layout. */
export { createHdf5 } from "./hdf5-file.ts";
export type { Hdf5Array, Hdf5Attribute, Hdf5Group, Hdf5Writer } from "./hdf5-file.ts";
export { liberoAttributes } from "./libero-attributes.ts";
export type { LiberoProblem } from "./libero-attributes.ts";
export { createLiberoFile, LIBERO_PROPRIO } from "./libero-demonstrations.ts";
export type { LiberoDemonstration, LiberoFileWriter } from "./libero-demonstrations.ts";

/** What demonstrations can be written as. */
export const RECORD_FORMATS = ["mcap", "lerobot", "hdf5"] as const;
export type RecordFormat = (typeof RECORD_FORMATS)[number];

/** Vite's: the address that an asset is served at. */
declare module "*?url" {
  const url: string;
  export default url;
}

export function findSoftwareGpu():
  { env: Record<string, string>; unavailable?: never } | { env?: never; unavailable: string };

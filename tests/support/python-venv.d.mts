export function ensureVenv(options?: {
  log?: (text: string) => void;
}): Promise<{ python?: string; unavailable?: string }>;

export function tabletopXml(options?: { objectCount?: number }): string;
export const ARM_POSE: readonly number[];

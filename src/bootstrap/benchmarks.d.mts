type Print = (line: string) => void;

interface Given {
  readonly cases?: readonly string[];
}

export interface Benchmark {
  readonly title: string;
  readonly cases?: readonly string[];
  needs?(given: Given): string | undefined | Promise<string | undefined>;
  run(print: Print, given: Given): unknown;
}

export interface Wanted {
  readonly name: string;
  readonly load: () => Promise<Benchmark>;
  readonly cases: readonly string[];
}

export function listBenchmarks(folder: string): string[];
export function loadBenchmark(folder: string, name: string): Promise<Benchmark>;
export function runBenchmarks(
  wanted: readonly Wanted[],
  print: Print,
): Promise<{
  readonly results: Readonly<Record<string, unknown>>;
  readonly failed: readonly string[];
  readonly leftOut: readonly string[];
}>;

/**
 * Area under the receiver operating characteristic: the chance that a positive scores above a negative, ties counted half
 * (Mann & Whitney 1947, Annals of Mathematical Statistics 18:50). 1 separates them, 0.5 says nothing.
 *
 * @returns undefined without positives or without negatives: there is nothing to tell apart
 * @throws {RangeError} if a score is NaN
 */
export function auroc(
  positives: readonly number[],
  negatives: readonly number[],
): number | undefined {
  if (positives.length === 0 || negatives.length === 0) return undefined;
  const all = [
    ...positives.map((score) => ({ score, isPositive: true })),
    ...negatives.map((score) => ({ score, isPositive: false })),
  ];
  if (all.some(({ score }) => Number.isNaN(score))) {
    throw new RangeError("Cannot compute an AUROC: a score is NaN, all must be numbers");
  }
  all.sort((a, b) => (a.score < b.score ? -1 : a.score > b.score ? 1 : 0));
  let rankSum = 0;
  for (let from = 0; from < all.length;) {
    let to = from;
    while (to < all.length && all[to]!.score === all[from]!.score) to++;
    // Ranks count from 1; equal scores share the mean of theirs.
    const rank = (from + 1 + to) / 2;
    rankSum += rank * all.slice(from, to).filter(({ isPositive }) => isPositive).length;
    from = to;
  }
  const n = positives.length;
  return (rankSum - (n * (n + 1)) / 2) / (n * negatives.length);
}

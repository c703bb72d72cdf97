/**
 * Operators whose result is constant wherever it has a derivative: integers, truth values, rounding. No
 * gradient passes them, which is their true derivative almost everywhere.
 */
export const CONSTANT_OPS: ReadonlySet<string> = new Set([
  ..."Shape Size ConstantOfShape Range NonZero OneHot".split(" "),
  ..."ArgMax ArgMin Equal Greater GreaterOrEqual Less LessOrEqual".split(" "),
  ..."And Or Xor Not IsNaN IsInf".split(" "),
  ..."Sign Floor Ceil Round".split(" "),
  ..."RandomNormalLike RandomUniformLike".split(" "),
]);

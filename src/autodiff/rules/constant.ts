/**
 * Operators whose result is constant wherever it has a derivative: integers, truth values, rounding. No
 * gradient passes them, which is their true derivative almost everywhere.
 */
export const CONSTANT_OPS: ReadonlySet<string> = new Set([
  ..."Shape Size ConstantOfShape Range NonZero EyeLike".split(" "),
  ..."ArgMax ArgMin Equal Greater GreaterOrEqual Less LessOrEqual".split(" "),
  ..."And Or Xor Not IsNaN IsInf".split(" "),
  ..."Sign Floor Ceil Round".split(" "),
  ..."BitwiseAnd BitwiseOr BitwiseXor BitwiseNot BitShift".split(" "),
  ..."RandomNormal RandomUniform RandomNormalLike RandomUniformLike Bernoulli Multinomial".split(
    " ",
  ),
]);

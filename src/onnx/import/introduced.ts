/** The operator set of `ai.onnx` that an operator came with, where that is later than `OLDEST_OPSET`. */
const BY_OPSET: readonly (readonly [opset: number, operators: string])[] = [
  [
    10,
    "ConvInteger DequantizeLinear IsInf MatMulInteger Mod NonMaxSuppression QLinearConv QLinearMatMul QuantizeLinear Resize ReverseSequence RoiAlign StringNormalizer ThresholdedRelu",
  ],
  [
    11,
    "BitShift ConcatFromSequence CumSum Det DynamicQuantizeLinear GatherElements GatherND Range Round ScatterElements ScatterND SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence Unique",
  ],
  [12, "Celu Einsum GreaterOrEqual LessOrEqual NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss"],
  [14, "HardSwish Trilu"],
  [15, "Bernoulli CastLike Optional OptionalGetElement OptionalHasElement"],
  [16, "GridSample"],
  [
    17,
    "BlackmanWindow DFT HammingWindow HannWindow LayerNormalization MelWeightMatrix STFT SequenceMap",
  ],
  [18, "BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CenterCropPad Col2Im GroupNormalization Mish"],
  [19, "DeformConv"],
  [20, "AffineGrid Gelu ImageDecoder RegexFullMatch StringConcat StringSplit"],
  [23, "Attention RMSNormalization RotaryEmbedding"],
];

const INTRODUCED = new Map(
  BY_OPSET.flatMap(([opset, names]) => names.split(" ").map((name) => [name, opset] as const)),
);

/** The first operator set with an operator of the default domain; 1 for those that are older than `OLDEST_OPSET`. */
export function introducedIn(opType: string): number {
  return INTRODUCED.get(opType) ?? 1;
}

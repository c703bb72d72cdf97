/**
 * ONNX models as data: read, build, check, print, write. Pure: knows no file system, no engine and no
 * policy; `src/session` runs what is made here, and `node.ts` beside this file reads and writes models on disks.
 */
export { GraphBuilder } from "./builder.ts";
export type { AttentionOperands, AttentionOptions, LossOptions } from "./attention-builder.ts";
export type {
  BatchNormOperands,
  ConvOptions,
  ConvTransposeOptions,
  PoolOptions,
  ResizeOptions,
  WindowOptions,
} from "./network-builder.ts";
export type { GemmOptions } from "./builder.ts";
export type { ValueLike } from "./elementwise-builder.ts";
export { IR_VERSION, OPSET } from "./graph-core.ts";
export type { AttributeLike, BuildOptions, BuiltNode, OpOptions, Value } from "./graph-core.ts";
export { assertModel, checkModel } from "./check-model.ts";
export type { ModelProblem } from "./check-model.ts";
export { allocate, bytesPerElement, holds, isDtype, typedView } from "./element-type.ts";
export type { ElementType } from "./element-type.ts";
export { assertExternalLocation, externalFiles } from "./external-data.ts";
export type * from "./ir.ts";
export { between, FREE, HELD } from "./formula/range.ts";
export { FORMULA_CONSTANTS, formulaVariables, translateFormula } from "./formula/translate.ts";
export type {
  FormulaNode,
  FormulaRequest,
  FormulaVariable,
  FormulaVariables,
  ParseFormula,
  TranslatedFormula,
} from "./formula/translate.ts";
export { addLoop } from "./add-loop.ts";
export type { AddedLoop, LoopPlan } from "./add-loop.ts";
export { leadWithSequence } from "./lead-with-sequence.ts";
export { loopSteps } from "./loop-steps.ts";
export type { LoopOptions } from "./loop-steps.ts";
export { evaluate, EVALUABLE_OPS, EVALUATION_LIMIT } from "./evaluate/evaluate.ts";
export { declareOutputs, importGraph } from "./import/import-graph.ts";
export type { ImportedGraph, ImportOptions } from "./import/import-graph.ts";
export { introducedIn } from "./import/introduced.ts";
export { NEWEST_OPSET, OLDEST_OPSET, olderFormUntil } from "./import/upgrade.ts";
export { foldConstants } from "./passes/fold-constants.ts";
export { removeDead } from "./passes/remove-dead.ts";
export { shareEqual } from "./passes/share-equal.ts";
export { printGraph } from "./print-graph.ts";
export { quantise } from "./quantise.ts";
export type { Quantised, QuantisedBlock, QuantisedWeight, QuantiseOptions } from "./quantise.ts";
export { readModel } from "./read-model.ts";
export { hasShapeRule, inferTypes, KNOWN_OPS } from "./shape-rules.ts";
export type { Attributed, OpCall, OpRule, Operand, StaticDim, TensorType } from "./rules/rule.ts";
export { slidingWindow, spatialDims, transposedWindow } from "./rules/window.ts";
export type { SlidingWindow } from "./rules/window.ts";
export { resizedAxes } from "./rules/pooling.ts";
export { padAmounts, sliceRanges } from "./rules/layout.ts";
export type { SliceRange } from "./rules/layout.ts";
export { einsumTerms } from "./rules/linear.ts";
export { mapTensors, tensorsOf } from "./tensors-of.ts";
export { writeModel } from "./write-model.ts";

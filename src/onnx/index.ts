/**
 * ONNX models as data: read, build, check, print, write. Pure: knows no file system, no engine and no
 * policy; `src/session` runs what is made here.
 */
export { GraphBuilder } from "./builder.ts";
export type { ValueLike, WindowOptions } from "./builder.ts";
export { IR_VERSION, OPSET } from "./graph-core.ts";
export type { AttributeLike, OpOptions, Value } from "./graph-core.ts";
export { assertModel, checkModel } from "./check-model.ts";
export type { ModelProblem } from "./check-model.ts";
export { allocate, bytesPerElement, holds, isDtype, typedView } from "./element-type.ts";
export type { ElementType } from "./element-type.ts";
export { assertExternalLocation, externalFiles } from "./external-data.ts";
export type * from "./ir.ts";
export { loopSteps } from "./loop-steps.ts";
export type { LoopOptions } from "./loop-steps.ts";
export { printGraph } from "./print-graph.ts";
export { QUANTISED_BLOCK, quantise } from "./quantise.ts";
export type { Quantised, QuantisedWeight, QuantiseOptions } from "./quantise.ts";
export { readModel } from "./read-model.ts";
export { inferTypes, KNOWN_OPS } from "./shape-rules.ts";
export type { OpCall, OpRule, Operand, StaticDim, TensorType } from "./rules/rule.ts";
export { writeModel } from "./write-model.ts";

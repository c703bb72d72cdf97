/**
 * Differentiates ONNX graphs: takes graphs, returns bigger graphs. Executes nothing, and knows no engine,
 * no policy and no data.
 */
export { clipByGlobalNorm } from "./clip.ts";
export { grad, vjp } from "./grad.ts";
export type { VjpRoots } from "./grad.ts";
export { stopGradient } from "./rules/rule.ts";
export type { VjpCall, VjpRule } from "./rules/rule.ts";
export { rematerialised } from "./segments.ts";
export { UnsupportedOpError } from "./unsupported-op-error.ts";
export { DIFFERENTIABLE_OPS, vjpRuleOf } from "./vjp-rules.ts";

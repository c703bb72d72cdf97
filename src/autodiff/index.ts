/**
 * Differentiates ONNX graphs: takes graphs, returns bigger graphs. Executes nothing, and knows no engine,
 * no policy and no data.
 */
export { grad, vjp } from "./grad.ts";
export { gradient, gradientName } from "./gradient.ts";
export type { GradientOptions } from "./gradient.ts";
export { stopGradient } from "./rules/rule.ts";
export type { VjpCall, VjpRoots, VjpRule } from "./rules/rule.ts";
export { rematerialised } from "./segments.ts";
export { UnsupportedOpError } from "./unsupported-op-error.ts";
export { DIFFERENTIABLE_OPS, vjpRuleOf } from "./vjp-rules.ts";
export * from "./optimisers/index.ts";

/** Values whose derivative is shorter in closed form than by way of the nodes that compute them. */
import type { GraphBuilder, Value } from "../../onnx/index.ts";

export interface ClosedForm {
  /** What the value is a function of, element by element. */
  readonly of: Value;
  /** d(value)/d(of), in the shape of both. */
  readonly slope: (g: GraphBuilder) => Value;
}

/** Graphs that were written to a file and read again do not know: their nodes are swept, which gives the same. */
const forms = new WeakMap<Value, ClosedForm>();

/** `value`, of which a sweep then takes the slope instead of the nodes before it. */
export function withClosedForm(value: Value, form: ClosedForm): Value {
  forms.set(value, form);
  return value;
}

export function closedFormOf(value: Value | undefined): ClosedForm | undefined {
  return value === undefined ? undefined : forms.get(value);
}

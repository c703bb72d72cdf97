/** The types that a file declares, with named dimensions fixed where the caller asks for it. */
import { isDtype } from "../element-type.ts";
import type { Dim, Model, ValueInfo } from "../ir.ts";
import type { StaticDim, TensorType } from "../rules/rule.ts";

/** Shapes that inputs are to have, by name. */
export type InputShapes = Readonly<Record<string, readonly StaticDim[]>>;

export class DeclaredTypes {
  readonly #infos: ReadonlyMap<string, ValueInfo>;
  readonly #bound = new Map<string, StaticDim>();
  readonly #fixed: InputShapes;

  /** @throws {RangeError} for a fixed shape of no input, or one that contradicts the declared one */
  constructor(model: Model, fixed: InputShapes) {
    const { inputs, outputs, valueInfo } = model.graph;
    this.#infos = new Map([...valueInfo, ...outputs, ...inputs].map((info) => [info.name, info]));
    this.#fixed = fixed;
    for (const [name, shape] of Object.entries(fixed)) {
      const input = inputs.find((info) => info.name === name);
      if (input === undefined) {
        const known = inputs.map((info) => info.name).join(", ");
        throw new RangeError(`Cannot fix input "${name}": the model has ${known}, must be one`);
      }
      this.#bind(input, shape);
    }
  }

  /** The declared type of a value; `undefined` where element type or rank are unknown. */
  typeOf(name: string): TensorType | undefined {
    const type = this.#infos.get(name)?.type;
    if (type?.kind !== "tensor" || type.shape === null || !isDtype(type.elementType)) {
      return undefined;
    }
    const fixed = Object.hasOwn(this.#fixed, name) ? this.#fixed[name] : undefined;
    // A dimension that even the file has no name for gets one, so that it equals itself only.
    const shape = type.shape.map((dim, i) => this.#resolve(dim) ?? `${name}.${i}`);
    return { elementType: type.elementType, shape: fixed ?? shape };
  }

  #resolve(dim: Dim): StaticDim | null {
    return typeof dim === "string" ? (this.#bound.get(dim) ?? dim) : dim;
  }

  #bind({ name, type }: ValueInfo, shape: readonly StaticDim[]): void {
    const declared = type.kind === "tensor" ? type.shape : null;
    const refuse = (): never => {
      const words = declared?.map((dim) => dim ?? "?").join(", ") ?? "...";
      throw new RangeError(
        `Cannot fix input "${name}" to [${shape.join(", ")}]: it is [${words}], must agree in rank and numbers`,
      );
    };
    if (declared === null) return;
    if (declared.length !== shape.length) refuse();
    for (const [i, dim] of declared.entries()) {
      const wanted = shape[i];
      if (wanted === undefined || (typeof dim === "number" && dim !== wanted)) return refuse();
      if (typeof dim !== "string") continue;
      const known = this.#bound.get(dim);
      if (known !== undefined && known !== wanted) refuse();
      this.#bound.set(dim, wanted);
    }
  }
}

/** An operator on the way from the parameters to the loss has no gradient rule. */
export class UnsupportedOpError extends Error {
  readonly opType: string;
  readonly nodeName: string;
  /** Node names from the operator to the loss. */
  readonly path: readonly string[];

  constructor(node: { readonly opType: string; readonly name: string }, path: readonly string[]) {
    const way = path.length > 6 ? [...path.slice(0, 3), "...", ...path.slice(-2)] : path;
    super(
      `Cannot differentiate ${node.opType} "${node.name}": the operator has no gradient rule, must be one of ` +
        `those in docs/ops.md; it reaches the loss through ${way.join(" -> ")}`,
    );
    this.name = "UnsupportedOpError";
    this.opType = node.opType;
    this.nodeName = node.name;
    this.path = path;
  }
}

/**
 * Which shapes may touch: two trees of boxes, one for what stands and one for what moves, whose moving leaves
 * are widened by where they are heading, and lists of pairs that stay while no leaf outgrows its box.
 *
 * The method is that of Chipmunk2D 7 (`cpBBTree.c`, MIT licence). The solver goes through contacts in the order
 * in which pairs are reported and stops before it has converged, so that order is part of the result:
 * here it is the same.
 */
import type { Bounds } from "./bounds.ts";
import { area, contains, merge, overlap, remoteness } from "./bounds.ts";
import type { EdgeHint } from "./closest.ts";
import type { Shape } from "./shape.ts";

/** Part of a box's size, and seconds of its movement, by which a moving leaf is widened. */
const MARGIN = Math.fround(0.1);

interface Branch {
  readonly kind: "branch";
  parent: Branch | undefined;
  bounds: Bounds;
  left: Node;
  right: Node;
}

interface Leaf {
  readonly kind: "leaf";
  readonly shape: Shape;
  parent: Branch | undefined;
  bounds: Bounds;
  /** When it was last put into the tree. */
  stamp: number;
  /** Newest first. */
  readonly pairs: Pair[];
}

type Node = Branch | Leaf;

interface Pair {
  readonly first: Leaf;
  /** The one whose turn it is that reports the pair. */
  readonly second: Leaf;
  hint: EdgeHint | undefined;
}

/** Tests a pair. @returns where its search ended, for the next time */
export type PairTest = (
  first: Shape,
  second: Shape,
  hint: EdgeHint | undefined,
) => EdgeHint | undefined;

export class BoundsTree {
  #standing: Node | undefined;
  #moving: Node | undefined;
  /** Moving leaves in the order in which they are looked at. */
  #leaves: readonly Leaf[] = [];
  #stamp = 0;

  /** Standing shapes are to be added before any that move. */
  addStanding(shape: Shape): void {
    const leaf = newLeaf(shape, shape.bounds, this.#stamp);
    this.#standing = inserted(this.#standing, leaf);
    this.#stamp++;
  }

  addMoving(shape: Shape, order: readonly Shape[]): void {
    const leaf = newLeaf(shape, widened(shape), this.#stamp);
    this.#moving = inserted(this.#moving, leaf);
    const leaves = [...this.#leaves, leaf];
    this.#leaves = leaves.toSorted((a, b) => order.indexOf(a.shape) - order.indexOf(b.shape));
    this.#visitMoved(leaf, ignore);
    this.#stamp++;
  }

  /** Follows the shapes and tests every pair whose boxes overlap. */
  update(test: PairTest): void {
    for (const leaf of this.#leaves) this.#follow(leaf);
    if (this.#moving !== undefined) this.#visit(this.#moving, test);
    this.#stamp++;
  }

  #follow(leaf: Leaf): void {
    if (contains(leaf.bounds, leaf.shape.bounds)) return;
    leaf.bounds = widened(leaf.shape);
    this.#moving = inserted(removed(this.#moving, leaf), leaf);
    forgetPairs(leaf);
    leaf.stamp = this.#stamp;
  }

  #visit(node: Node, test: PairTest): void {
    if (node.kind === "branch") {
      this.#visit(node.left, test);
      this.#visit(node.right, test);
    } else if (node.stamp === this.#stamp) {
      this.#visitMoved(node, test);
    } else {
      for (const pair of node.pairs) {
        if (pair.second !== node) continue;
        pair.hint = test(pair.first.shape, node.shape, pair.hint);
      }
    }
  }

  /** A leaf that is new where it is meets everything: what lies to its right in the tree reports the pair later. */
  #visitMoved(leaf: Leaf, test: PairTest): void {
    if (this.#standing !== undefined) meetLeft(this.#standing, leaf, test);
    for (let node: Node = leaf; node.parent !== undefined; node = node.parent) {
      const { left, right }: Branch = node.parent;
      if (node === left) meetRight(right, leaf);
      else meetLeft(left, leaf, test);
    }
  }
}

function ignore(): undefined {
  return undefined;
}

function meetRight(node: Node, leaf: Leaf): void {
  if (!overlap(leaf.bounds, node.bounds)) return;
  if (node.kind === "leaf") remember(leaf, node);
  else {
    meetRight(node.left, leaf);
    meetRight(node.right, leaf);
  }
}

function meetLeft(node: Node, leaf: Leaf, test: PairTest): void {
  if (!overlap(leaf.bounds, node.bounds)) return;
  if (node.kind === "leaf") {
    // Of two that are both new, the left one has remembered the pair already.
    if (node.stamp < leaf.stamp) remember(node, leaf);
    test(leaf.shape, node.shape, undefined);
  } else {
    meetLeft(node.left, leaf, test);
    meetLeft(node.right, leaf, test);
  }
}

function newLeaf(shape: Shape, bounds: Bounds, stamp: number): Leaf {
  return { kind: "leaf", shape, bounds, stamp, parent: undefined, pairs: [] };
}

function widened({ bounds, body }: Shape): Bounds {
  const { xMin, yMin, xMax, yMax } = bounds;
  const width = (xMax - xMin) * MARGIN;
  const height = (yMax - yMin) * MARGIN;
  const x = body.velocity.x * MARGIN;
  const y = body.velocity.y * MARGIN;
  return {
    xMin: xMin + Math.min(-width, x),
    yMin: yMin + Math.min(-height, y),
    xMax: xMax + Math.max(width, x),
    yMax: yMax + Math.max(height, y),
  };
}

function remember(first: Leaf, second: Leaf): void {
  const pair = { first, second, hint: undefined };
  first.pairs.unshift(pair);
  second.pairs.unshift(pair);
}

function forgetPairs(leaf: Leaf): void {
  for (const pair of leaf.pairs) {
    const other = pair.first === leaf ? pair.second : pair.first;
    other.pairs.splice(other.pairs.indexOf(pair), 1);
  }
  leaf.pairs.length = 0;
}

function inserted(node: Node | undefined, leaf: Leaf): Node {
  if (node === undefined) return leaf;
  if (node.kind === "leaf") return joined(leaf, node);
  if (isCheaperRight(node, leaf)) {
    node.right = inserted(node.right, leaf);
    node.right.parent = node;
  } else {
    node.left = inserted(node.left, leaf);
    node.left.parent = node;
  }
  node.bounds = merge(node.bounds, leaf.bounds);
  return node;
}

/** The side whose growth makes the boxes' total area smaller; of equal ones the nearer. */
function isCheaperRight({ left, right }: Branch, { bounds }: Leaf): boolean {
  const costLeft = area(right.bounds) + area(merge(left.bounds, bounds));
  const costRight = area(left.bounds) + area(merge(right.bounds, bounds));
  if (costLeft !== costRight) return costRight < costLeft;
  return remoteness(right.bounds, bounds) < remoteness(left.bounds, bounds);
}

function joined(left: Leaf, right: Leaf): Branch {
  const bounds = merge(left.bounds, right.bounds);
  const branch: Branch = { kind: "branch", parent: undefined, bounds, left, right };
  left.parent = branch;
  right.parent = branch;
  return branch;
}

/** @param root of the tree that holds the leaf */
function removed(root: Node | undefined, leaf: Leaf): Node | undefined {
  const { parent } = leaf;
  leaf.parent = undefined;
  if (root === leaf || parent === undefined) return undefined;
  const other = parent.left === leaf ? parent.right : parent.left;
  const above = parent.parent;
  other.parent = above;
  if (above === undefined) return other;
  if (above.left === parent) above.left = other;
  else above.right = other;
  for (let node: Branch | undefined = above; node !== undefined; node = node.parent) {
    node.bounds = merge(node.left.bounds, node.right.bounds);
  }
  return root;
}

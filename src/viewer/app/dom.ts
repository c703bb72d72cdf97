/** Elements in one call, so that modules read like the page they make. */

type Child = Node | string | undefined;

export interface ElementOptions {
  readonly class?: string;
  readonly title?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: {
    readonly [Kind in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Kind]) => void;
  };
}

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  options: ElementOptions = {},
  children: readonly Child[] = [],
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  if (options.class !== undefined) made.className = options.class;
  if (options.title !== undefined) made.title = options.title;
  for (const [name, value] of Object.entries(options.attributes ?? {}))
    made.setAttribute(name, value);
  for (const [kind, listener] of Object.entries(options.on ?? {})) {
    made.addEventListener(kind, listener as EventListener);
  }
  for (const child of children) if (child !== undefined) made.append(child);
  return made;
}

/** Sets text only where it differs: no layout is asked for without need. */
export function setText(target: HTMLElement, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

/** A canvas sized to its element in device pixels. */
export interface SizedCanvas {
  readonly canvas: HTMLCanvasElement;
  readonly context: CanvasRenderingContext2D;
  /** Fits the pixels to CSS pixels and clears; afterwards one unit is one CSS pixel. */
  fit(width: number, height: number): void;
}

/**
 * @param options `redrawn`: what is drawn is thin, and new at every moment. The processor draws such lines
 * in place; a graphics card is sent a mask of each, which costs more than the few pixels they touch.
 */
export function sizedCanvas(
  className: string,
  { redrawn = false }: { readonly redrawn?: boolean } = {},
): SizedCanvas {
  const canvas = element("canvas", { class: className });
  const context = canvas.getContext("2d", { willReadFrequently: redrawn });
  if (context === null) throw new Error("Cannot draw plots: the browser offers no 2D canvas");
  return {
    canvas,
    context,
    fit(width, height) {
      const ratio = window.devicePixelRatio;
      const w = Math.max(1, Math.round(width * ratio));
      const h = Math.max(1, Math.round(height * ratio));
      if (canvas.width !== w || canvas.height !== h) {
        canvas.width = w;
        canvas.height = h;
        canvas.style.width = `${width}px`;
        canvas.style.height = `${height}px`;
      }
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
    },
  };
}

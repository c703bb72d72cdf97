/** The points a policy thought of, as pins with their tag. */
import type { Sprite } from "three";
import {
  CanvasTexture,
  Group,
  Mesh,
  MeshBasicMaterial,
  SRGBColorSpace,
  SphereGeometry,
  Sprite as SpriteObject,
  SpriteMaterial,
} from "three";
import { formatName } from "../format.ts";
import type { Theme } from "../theme.ts";
import type { ExtensionFactory } from "./extension.ts";

interface Pin {
  readonly group: Group;
  readonly dot: Mesh<SphereGeometry, MeshBasicMaterial>;
  readonly label: Sprite;
}

export const createPoints: ExtensionFactory = ({ reader, bounds, theme }) => {
  const root = new Group();
  const pins = new Map<string, Pin>();
  const sphere = new SphereGeometry(0.011 * Math.max(0.6, bounds.radius), 20, 14);
  let colors = theme;
  let shown = -2;

  const pinOf = (tag: string): Pin => {
    const known = pins.get(tag);
    if (known !== undefined) return known;
    const color = colors.series[pins.size % colors.series.length]!;
    const dot = new Mesh(
      sphere,
      new MeshBasicMaterial({ color, transparent: true, opacity: 0.85, depthTest: false }),
    );
    dot.renderOrder = 4;
    const label = createLabel(formatName(tag), colors);
    const group = new Group().add(dot, label);
    root.add(group);
    const pin = { group, dot, label };
    pins.set(tag, pin);
    return pin;
  };
  const show = (index: number): void => {
    for (const { group } of pins.values()) group.visible = false;
    for (const thought of reader.decisions[index]?.thoughts ?? []) {
      if (thought.kind !== "point") continue;
      const [x, y, z] = thought.position;
      const { group } = pinOf(thought.tag);
      group.position.set(x ?? 0, y ?? 0, z ?? 0);
      group.visible = true;
    }
  };
  const clear = (): void => {
    for (const { dot, label, group } of pins.values()) {
      root.remove(group);
      dot.material.dispose();
      label.material.map?.dispose();
      label.material.dispose();
    }
    pins.clear();
  };

  return {
    object: root,
    update({ decision }) {
      if (decision === shown) return;
      shown = decision;
      show(decision);
    },
    refresh() {
      shown = -2;
    },
    setTheme(next: Theme) {
      colors = next;
      clear();
      shown = -2;
    },
    dispose() {
      clear();
      sphere.dispose();
    },
  };
};

const LABEL_FONT_PX = 34;
/** In tangents of the viewing angle: about 1/23 of the picture's height. */
const LABEL_HEIGHT = 0.03;

function createLabel(text: string, theme: Theme): Sprite {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d")!;
  const font = `600 ${LABEL_FONT_PX}px system-ui, sans-serif`;
  context.font = font;
  canvas.width = Math.ceil(context.measureText(text).width) + 36;
  canvas.height = 56;
  context.font = font;
  context.fillStyle = theme.surface;
  context.globalAlpha = 0.88;
  context.beginPath();
  context.roundRect(0, 0, canvas.width, canvas.height, 16);
  context.fill();
  context.globalAlpha = 1;
  context.fillStyle = theme.ink;
  context.textBaseline = "middle";
  context.fillText(text, 18, canvas.height / 2 + 2);
  const map = new CanvasTexture(canvas);
  map.colorSpace = SRGBColorSpace;
  // The same size on screen at any distance.
  const material = new SpriteMaterial({
    map,
    depthTest: false,
    toneMapped: false,
    sizeAttenuation: false,
  });
  const sprite = new SpriteObject(material);
  sprite.scale.set((LABEL_HEIGHT * canvas.width) / canvas.height, LABEL_HEIGHT, 1);
  sprite.center.set(0.5, -0.6);
  sprite.renderOrder = 5;
  return sprite;
}

/** A soft sky, one key light with a shadow, and a weak fill from the other side. */
import { DirectionalLight, Group, HemisphereLight } from "three";
import type { Theme } from "../theme.ts";
import type { ExtensionFactory } from "./extension.ts";

const SHADOW_MAP_PX = 2048;

export const createLights: ExtensionFactory = ({ bounds, theme }) => {
  const [x, y, z] = bounds.center;
  const reach = bounds.radius * 1.3;
  const sky = new HemisphereLight("#ffffff", "#8d8577", 1.5);
  const key = new DirectionalLight("#fff4e6", 2.4);
  key.position.set(x + 1.2 * reach, y - 1.6 * reach, z + 2.6 * reach);
  key.target.position.set(x, y, z);
  key.castShadow = true;
  key.shadow.mapSize.setScalar(SHADOW_MAP_PX);
  key.shadow.radius = 5;
  key.shadow.bias = -0.0004;
  key.shadow.normalBias = 0.012 * bounds.radius;
  Object.assign(key.shadow.camera, {
    left: -reach,
    right: reach,
    top: reach,
    bottom: -reach,
    near: 0.1 * reach,
    far: 6 * reach,
  });
  const fill = new DirectionalLight("#dfe9ff", 0.6);
  fill.position.set(x - 2 * reach, y + 1.5 * reach, z + reach);
  fill.target.position.set(x, y, z);
  const root = new Group().add(sky, key, key.target, fill, fill.target);

  const setTheme = ({ dark }: Theme): void => {
    sky.intensity = dark ? 1.15 : 1.6;
    key.intensity = dark ? 2.1 : 2.3;
  };
  setTheme(theme);
  return {
    object: root,
    update() {},
    setTheme,
    dispose() {
      key.dispose();
      fill.dispose();
      sky.dispose();
    },
  };
};

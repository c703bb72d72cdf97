/**
 * The scenes that MuJoCo's own renderer has drawn for tests/numerics/render/pictures.golden.json.
 * Run as a program, prints them as JSON for tests/support/render/pictures_golden.py.
 */
import { pathToFileURL } from "node:url";
import { ARM_POSE, tabletopXml } from "./scenes.mjs";

/** MuJoCo's 4 samples per pixel; nothing casts a shadow, for we draw none. */
const SAMPLES = `<visual><quality offsamples="4"/></visual>`;

/**
 * A table with a box whose top mirrors, a second reflecting box (MuJoCo lets only the first mirror),
 * things that stand on it, cross its plane, float above it, are see-through, and a ball and a bar that move.
 */
const MIRROR = `<mujoco>
  <compiler angle="radian"/>
  ${SAMPLES}
  <visual><headlight ambient=".1 .1 .1" diffuse=".4 .4 .4" specular=".5 .5 .5"/><map znear=".01" zfar="20"/></visual>
  <statistic extent="1"/>
  <asset>
    <texture type="skybox" builtin="gradient" rgb1=".5 .6 .8" rgb2=".2 .2 .3" width="32" height="192"/>
    <texture name="grid" type="2d" builtin="checker" width="64" height="64" rgb1=".3 .35 .3" rgb2=".5 .5 .45"/>
    <material name="grid" texture="grid" texrepeat="6 6" specular=".2"/>
    <material name="steel" rgba=".45 .45 .5 1" reflectance=".5" specular=".4" shininess=".3"/>
    <material name="wall" rgba=".6 .5 .4 1" reflectance=".8"/>
    <mesh name="gem" vertex="0 0 -.05  .05 .02 0  -.05 .03 0  0 -.05 0  .02 .02 .06"/>
  </asset>
  <worldbody>
    <light pos=".5 -.6 1.6" dir="-.3 .3 -1" diffuse=".5 .5 .45" specular=".4 .4 .4" castshadow="false" cutoff="60"/>
    <light pos="0 0 2" dir=".3 .5 -1" directional="true" diffuse=".3 .3 .35" castshadow="false"/>
    <camera name="front" pos=".9 -.1 .75" xyaxes=".1 1 0 -.5 .05 .86" fovy="45"/>
    <camera name="graze" pos=".1 -.8 .3" xyaxes="1 .1 0 -.01 .15 1" fovy="50"/>
    <geom type="plane" size="1.5 1.5 .25" material="grid"/>
    <geom type="box" size=".4 .4 .05" pos="0 0 .05" rgba=".6 .45 .3 1"/>
    <geom type="box" size=".22 .28 .03" pos=".05 0 .13" euler="0 .06 .2" material="steel"/>
    <geom type="box" size=".02 .3 .2" pos="-.35 0 .3" material="wall"/>
    <geom type="cylinder" size=".06 .06" pos="0 .12 .22" rgba=".8 .2 .15 1"/>
    <geom type="mesh" mesh="gem" pos=".12 .1 .17" rgba=".2 .7 .3 1"/>
    <geom type="ellipsoid" size=".07 .05 .04" pos=".1 -.12 .15" rgba=".2 .3 .9 1"/>
    <geom type="box" size=".05 .05 .05" pos="-.05 -.15 .3" rgba=".9 .8 .2 .4"/>
    <body name="ball"><freejoint/><geom type="sphere" size=".05" rgba=".9 .5 .1 1"/></body>
    <body name="bar"><freejoint/><geom type="capsule" size=".02 .12" rgba=".7 .2 .8 1"/>
      <camera name="hand" pos=".1 0 -.05" xyaxes="0 1 0 -.6 0 -.8" fovy="80"/></body>
  </worldbody>
</mujoco>`;

/** Vertices (with texture coordinates) and faces of a torus that bulges, as MJCF attributes. */
function bumpyTorus(around, across) {
  const vertex = [];
  const texcoord = [];
  const face = [];
  const round = (value) => Number(value.toFixed(5));
  for (let i = 0; i <= around; i++) {
    for (let j = 0; j <= across; j++) {
      const [a, b] = [(2 * Math.PI * i) / around, (2 * Math.PI * j) / across];
      const tube = 0.06 + 0.012 * Math.sin(7 * a) * Math.cos(3 * b);
      const ring = 0.14 + tube * Math.cos(b);
      vertex.push(ring * Math.cos(a), ring * Math.sin(a), tube * Math.sin(b));
      texcoord.push((4 * i) / around, (2 * j) / across);
    }
  }
  for (let i = 0; i < around; i++) {
    for (let j = 0; j < across; j++) {
      const [a, b] = [i * (across + 1) + j, (i + 1) * (across + 1) + j];
      face.push(a, b, b + 1, a, b + 1, a + 1);
    }
  }
  const list = (values) => values.map(round).join(" ");
  return `vertex="${list(vertex)}" texcoord="${list(texcoord)}" face="${face.join(" ")}"`;
}

/** Bumpy rings of many triangles, most smaller than a pixel, and textures seen at all scales. */
function ringsXml() {
  const colours = [".9 .4 .3", ".4 .8 .4", ".4 .5 .9", ".9 .8 .4"];
  const rings = Array.from({ length: 12 }, (_, index) => {
    const pos = `${-0.6 + 0.4 * (index % 4)} ${-0.5 + 0.45 * Math.floor(index / 4)} .12`;
    const look = index % 2 === 0 ? `material="weave"` : `rgba="${colours[index % 4]} 1"`;
    return `<geom type="mesh" mesh="${index % 2 === 0 ? "ring" : "fine"}" pos="${pos}" euler="${0.5 * index} ${0.3 * index} 0" ${look}/>`;
  });
  return `<mujoco>
  <compiler angle="radian"/>
  ${SAMPLES}
  <visual><headlight ambient=".1 .1 .1" diffuse=".4 .4 .4" specular=".3 .3 .3"/><map znear=".01" zfar="20"/></visual>
  <statistic extent="1"/>
  <asset>
    <texture name="grid" type="2d" builtin="checker" mark="random" random=".05" markrgb="1 1 1" width="128" height="128" rgb1=".2 .25 .3" rgb2=".6 .6 .55"/>
    <texture name="weave" type="2d" builtin="checker" width="64" height="64" rgb1=".3 .2 .15" rgb2=".8 .7 .5"/>
    <material name="grid" texture="grid" texrepeat="7 7"/>
    <material name="weave" texture="weave" specular=".3" shininess=".4"/>
    <mesh name="ring" ${bumpyTorus(40, 18)}/>
    <mesh name="fine" ${bumpyTorus(64, 24)}/>
  </asset>
  <worldbody>
    <light pos=".5 -.6 2" dir="-.2 .3 -1" diffuse=".6 .6 .55" specular=".3 .3 .3" castshadow="false" cutoff="60"/>
    <camera name="front" pos="0 -1.5 1.2" xyaxes="1 0 0 0 .62 .78" fovy="45"/>
    <camera name="near" pos="-.3 -.6 .4" xyaxes=".9 -.4 0 .2 .45 .87" fovy="60"/>
    <geom type="plane" size="2 2 .25" material="grid"/>
    <geom type="sphere" size=".1" pos=".1 -.3 .4" rgba=".7 .7 .75 1"/>
    <geom type="cylinder" size=".05 .2" pos="-.5 .1 .3" rgba=".3 .7 .7 1"/>
    ${rings.join("\n")}
  </worldbody>
</mujoco>`;
}

const HALF = Math.SQRT1_2;
/** Each with the joint positions of its frames. */
export const GOLDEN_SCENES = [
  {
    name: "mirror",
    xml: MIRROR,
    cameras: ["front", "graze", "hand"],
    frames: [
      [0.0, -0.05, 0.32, 1, 0, 0, 0, 0.1, 0.02, 0.34, HALF, 0, HALF, 0],
      [0.12, -0.04, 0.2, 1, 0, 0, 0, 0.02, 0.0, 0.26, 0.8, 0.6, 0, 0],
    ],
  },
  {
    name: "tabletop",
    xml: tabletopXml({ objectCount: 12 })
      .replace("<visual>", `${SAMPLES}<visual>`)
      .replaceAll("<light ", `<light castshadow="false" `),
    cameras: ["front", "wrist"],
    frames: [ARM_POSE],
  },
  { name: "rings", xml: ringsXml(), cameras: ["front", "near"], frames: [[]] },
];

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(JSON.stringify(GOLDEN_SCENES));
}

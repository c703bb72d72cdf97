/**
 * Scenes for testing and timing the camera renderer: plain MJCF, one string each.
 * Plain JavaScript, so that the benchmark can import it too.
 */

const LINKS = [0.333, 0.3, 0.28, 0.24, 0.2, 0.12];

/** A chain of capsules and a two-finger gripper with a camera, roughly of a small arm's shape. */
function arm() {
  let open = "";
  let close = "";
  LINKS.forEach((length, index) => {
    const axis = index % 2 === 0 ? "0 0 1" : "0 1 0";
    const radius = 0.065 - 0.005 * index;
    const pos = index === 0 ? "0 0 0.1" : `0 0 ${LINKS[index - 1]}`;
    open += `<body name="link${index}" pos="${pos}"><joint name="j${index}" axis="${axis}"/>
      <geom type="capsule" size="${radius}" fromto="0 0 0 0 0 ${length}" material="shell"/>
      <geom type="cylinder" size="${radius * 1.15} 0.02" pos="0 0 ${length / 2}" rgba=".25 .27 .3 1"/>`;
    close += "</body>";
  });
  const hand = `<body name="hand" pos="0 0 ${LINKS.at(-1)}"><geom type="box" size=".03 .09 .03" pos="0 0 .03" rgba=".2 .2 .22 1"/>
    <camera name="wrist" pos=".08 0 .02" xyaxes="0 1 0 1 0 0" fovy="75"/>
    <geom type="box" size=".011 .008 .03" pos="0 .035 .08" rgba=".6 .6 .65 1"/>
    <geom type="box" size=".011 .008 .03" pos="0 -.035 .08" rgba=".6 .6 .65 1"/></body>`;
  return `<body name="base" pos="-.1 0 .4"><geom type="cylinder" size=".09 .06" pos="0 0 .06" material="shell"/>${open}${hand}${close}</body>`;
}

const COLOURS = [".85 .15 .12", ".15 .65 .2", ".15 .3 .85", ".95 .8 .15", ".6 .2 .7", ".1 .7 .7"];

/** Free objects of every type in rows on the table. */
function objects(count) {
  const shapes = [
    { type: "box", size: ".025 .025 .025", half: 0.025 },
    { type: "sphere", size: ".03", half: 0.03 },
    { type: "cylinder", size: ".025 .04", half: 0.04 },
    { type: "capsule", size: ".02 .03", half: 0.05 },
    { type: "ellipsoid", size: ".035 .025 .02", half: 0.02 },
    { type: "mesh", half: 0.03 },
  ];
  return Array.from({ length: count }, (_, index) => {
    const shape = shapes[index % shapes.length];
    const x = 0.28 + 0.11 * Math.floor(index / 5);
    const y = -0.28 + 0.14 * (index % 5);
    const geom =
      shape.type === "mesh"
        ? `type="mesh" mesh="gem"`
        : `type="${shape.type}" size="${shape.size}"`;
    return `<body name="object${index}" pos="${x} ${y} ${0.4 + shape.half}" euler="0 0 ${0.4 * index}"><freejoint/>
      <geom ${geom} rgba="${COLOURS[index % COLOURS.length]} 1"/></body>`;
  }).join("\n");
}

/** A tray of five boxes: static furniture beside the table top. */
function tray(x, y) {
  const wall = (dx, dy, sx, sy) =>
    `<geom type="box" size="${sx} ${sy} .03" pos="${dx} ${dy} .03" rgba=".45 .3 .2 1"/>`;
  return `<body name="tray" pos="${x} ${y} .4"><geom type="box" size=".1 .1 .005" pos="0 0 .005" material="wood"/>
    ${wall(0.1, 0, 0.005, 0.1)}${wall(-0.1, 0, 0.005, 0.1)}${wall(0, 0.1, 0.1, 0.005)}${wall(0, -0.1, 0.1, 0.005)}</body>`;
}

/**
 * A table with an arm, furniture and free objects of every geom type, one mesh, 2d, cube and sky
 * textures, two lights. Cameras: front and top (fixed), wrist (on the hand), low (just above the
 * table's edge, whose top crosses the near plane).
 */
export function tabletopXml({ objectCount = 12 } = {}) {
  return `<mujoco>
  <compiler angle="radian"/>
  <visual><headlight ambient=".3 .3 .3" diffuse=".35 .35 .35" specular=".1 .1 .1"/><map znear=".01" zfar="20"/></visual>
  <statistic extent="1.5"/>
  <asset>
    <texture type="skybox" builtin="gradient" rgb1=".55 .65 .8" rgb2=".2 .22 .27" width="32" height="192"/>
    <texture name="grid" type="2d" builtin="checker" width="64" height="64" rgb1=".35 .37 .4" rgb2=".45 .47 .5"/>
    <texture name="edge" type="cube" builtin="flat" mark="edge" width="64" height="64" rgb1=".75 .6 .42" markrgb=".5 .36 .2"/>
    <material name="grid" texture="grid" texrepeat="8 8" specular=".2"/>
    <material name="wood" texture="edge" specular=".1" shininess=".2"/>
    <material name="shell" rgba=".92 .92 .95 1" specular=".6" shininess=".6"/>
    <mesh name="gem" vertex="0 0 -.03  .03 .01 0  -.03 .02 0  0 -.03 0  .01 .01 .035"/>
  </asset>
  <worldbody>
    <light pos="1 -1 2.5" dir="-.4 .4 -1" directional="true" diffuse=".55 .55 .5" specular=".3 .3 .3"/>
    <light pos="0 1 2" dir="0 -.4 -1" diffuse=".2 .2 .25" specular=".1 .1 .1" cutoff="60"/>
    <camera name="front" pos="1.35 0 1.15" xyaxes="0 1 0 -.62 0 .78" fovy="45"/>
    <camera name="top" pos=".35 0 1.7" xyaxes="0 -1 0 1 0 0" fovy="45"/>
    <camera name="low" pos=".9 .1 .42" xyaxes="0 1 0 0 0 1" fovy="60"/>
    <geom name="floor" type="plane" size="3 3 .25" material="grid"/>
    <body name="table" pos=".4 0 .2"><geom name="table" type="box" size=".4 .5 .2" material="wood"/></body>
    ${tray(0.62, 0.28)}
    ${arm()}
    ${objects(objectCount)}
  </worldbody>
</mujoco>`;
}

/** Joint angles of the arm, rad, that put the hand above the objects and looking down. */
export const ARM_POSE = [0.1, 0.7, 0, 1.3, 0, 1.05];

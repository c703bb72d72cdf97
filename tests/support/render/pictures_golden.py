"""Writes what MuJoCo's own renderer draws of a few scenes, for tests/numerics/render/pictures.test.ts.

    python -m pip install mujoco==3.8.1
    MUJOCO_GL=osmesa python tests/support/render/pictures_golden.py > tests/numerics/render/pictures.golden.json

A software OpenGL (OSMesa) draws them, with 4 samples per pixel. Each picture is uint8[128, 128, 3], row 0 at
the top, deflated, in base64.
"""

import base64
import json
import pathlib
import subprocess
import sys
import zlib

import mujoco

SIZE = 128


def pictures(scene):
    model = mujoco.MjModel.from_xml_string(scene["xml"])
    data = mujoco.MjData(model)
    renderer = mujoco.Renderer(model, SIZE, SIZE)
    for frame, qpos in enumerate(scene["frames"]):
        data.qpos[: len(qpos)] = qpos
        mujoco.mj_forward(model, data)
        for camera in scene["cameras"]:
            renderer.update_scene(data, camera)
            packed = zlib.compress(renderer.render().tobytes(), 9)
            name = f"{scene['name']}/{camera}/{frame}"
            yield name, base64.b64encode(packed).decode()
    renderer.close()


scenes = pathlib.Path(__file__).with_name("golden-scenes.mjs")
printed = subprocess.run(["node", str(scenes)], check=True, capture_output=True, text=True).stdout
golden = {"mujoco": mujoco.__version__, "size": SIZE, "pictures": {}}
for scene in json.loads(printed):
    golden["pictures"].update(pictures(scene))
json.dump(golden, sys.stdout, indent=1)
sys.stdout.write("\n")

"""What of the LIBERO exporter needs no LIBERO: tasks, initial states, scenes, assets, the data folder."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import types
import xml.etree.ElementTree as ET
import zipfile
import zlib
from typing import ClassVar

import numpy as np
import pytest
from support import PACKAGE_ROOT

from efference_sim.environment import ResetRequest
from efference_sim.libero.assets import COMPLETE, FOLDERS, assets_folder, download, fingerprint
from efference_sim.libero.errors import LiberoError
from efference_sim.libero.folder import DataFolder, Record, TaskWriter
from efference_sim.libero.initial_states import read_initial_states
from efference_sim.libero.scene import physics_scene
from efference_sim.libero.simulator import LiberoSimulator, SimulatorOptions
from efference_sim.libero.tasks import SUITES, instruction_of, read_tasks, select_tasks
from efference_sim.libero.visual import describe, flattened, mesh_file


@pytest.fixture
def package(tmp_path):
    """A folder like ``libero.libero``, whose table of tasks stands in a module that must not be imported."""
    orders = {f"libero_{suite}": [f"put_{suite}_b", f"put_{suite}_a"] for suite in SUITES}
    table = tmp_path / "benchmark" / "libero_suite_task_map.py"
    table.parent.mkdir()
    table.write_text(f"import no_such_module\nlibero_task_map = {orders!r}\n")
    return tmp_path


def test_tasks_come_in_the_official_order(package):
    tasks = read_tasks(package)
    assert [task.key for task in tasks[:4]] == [
        "spatial/put_spatial_b",
        "spatial/put_spatial_a",
        "object/put_object_b",
        "object/put_object_a",
    ]
    assert [task.index for task in tasks[:2]] == [0, 1]
    assert tasks[0].bddl == package / "bddl_files" / "libero_spatial" / "put_spatial_b.bddl"
    assert tasks[-1].folder == "tasks/90/put_90_a"


def test_tasks_are_selected_by_suite_name_and_index(package):
    tasks = read_tasks(package)
    assert select_tasks(tasks, [], []) == tasks
    chosen = select_tasks(tasks, ["goal"], ["90/1", "object/put_object_b"])
    assert [task.key for task in chosen] == ["object/put_object_b", "goal/put_goal_b", "goal/put_goal_a", "90/put_90_a"]
    with pytest.raises(LiberoError, match='suite "libero_goal": must be one of spatial'):
        select_tasks(tasks, ["libero_goal"], [])
    with pytest.raises(LiberoError, match='task "object/2"'):
        select_tasks(tasks, [], ["object/2"])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("put_the_bowl_on_the_stove", "put the bowl on the stove"),
        ("KITCHEN_SCENE10_close_the_top_drawer_of_the_cabinet", "close the top drawer of the cabinet"),
        ("LIVING_ROOM_SCENE2_pick_up_the_milk", "pick up the milk"),
    ],
)
def test_the_instruction_is_the_name_without_its_scene(name, words):
    assert instruction_of(name) == words


def test_an_unreadable_table_of_tasks_is_an_error(package, tmp_path):
    (package / "benchmark" / "libero_suite_task_map.py").write_text("libero_task_map = {}\n")
    with pytest.raises(LiberoError, match="holds no table"):
        read_tasks(package)
    with pytest.raises(LiberoError, match="No such file"):
        read_tasks(tmp_path / "nowhere")


def _archive(path, pickled, name="archive/data.pkl"):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, pickled)
    return path


def test_initial_states_come_back_to_the_bit(tmp_path):
    states = np.random.default_rng(0).normal(size=(50, 7))
    states[0, 0] = -0.0
    path = _archive(tmp_path / "x.pruned_init", pickle.dumps(states, protocol=2))
    assert read_initial_states(path).tobytes() == states.tobytes()


class _Attack:
    def __reduce__(self):
        return os.system, ("exit 1",)


@pytest.mark.parametrize(
    ("pickled", "words"),
    [
        (pickle.dumps(_Attack()), "which no array needs"),
        (pickle.dumps(np.zeros(3)), "no float64 matrix"),
        (pickle.dumps(np.zeros((3, 3), np.float32)), "no float64 matrix"),
        (pickle.dumps([1, 2]), "no float64 matrix"),
        (b"", "EOFError"),
        (b"\x80\x02]q\x00", "EOFError"),
    ],
)
def test_any_other_pickle_is_refused(tmp_path, pickled, words):
    with pytest.raises(LiberoError, match=words):
        read_initial_states(_archive(tmp_path / "x.pruned_init", pickled))


def test_damaged_archives_are_errors_that_name_the_file(tmp_path):
    buffer = io.BytesIO()
    _archive(buffer, pickle.dumps(np.zeros((5, 9))))
    whole = buffer.getvalue()
    random = np.random.default_rng(1)
    path = tmp_path / "x.pruned_init"
    for _ in range(300):
        damaged = bytearray(whole)
        for at in random.integers(len(whole), size=random.integers(1, 8)):
            damaged[at] = random.integers(256)
        path.write_bytes(bytes(damaged[: random.integers(1, len(whole) + 1)]))
        try:
            assert read_initial_states(path).dtype == np.float64
        except LiberoError as error:
            assert "x.pruned_init" in str(error)
    with pytest.raises(LiberoError, match="must hold exactly one"):
        read_initial_states(_archive(path, b"", name="other"))
    with pytest.raises(LiberoError, match="No such file"):
        read_initial_states(tmp_path / "nowhere")


MODEL = """<mujoco><compiler angle="radian" meshdir="there"/><size nconmax="5000" njmax="5000"/>
<asset><texture name="t" file="{folder}/t.png"/><material name="m" texture="t"/>
<mesh name="link" file="{folder}/link.stl"/><mesh name="look" file="{folder}/look.obj"/></asset>
<worldbody><geom name="wall" contype="0" conaffinity="0"/><geom name="floor" material="m"/>
<body name="arm"><geom mesh="look" contype="0" conaffinity="0"/><geom mesh="link"/>
<site name="tip" material="m"/></body>
<body name="stove_main" pos="0 0 0" euler="0 0 1"><body name="stove_knob" pos="1 0 0"/></body>
</worldbody></mujoco>"""


def _env(tmp_path):
    for name in ("t.png", "link.stl", "look.obj"):
        (tmp_path / name).write_bytes(name.encode())
    poses = {"stove_main": ([0.1, 1 / 3, 0.9], [1.0, 0.0, 0.0, 1e-17])}
    model = types.SimpleNamespace(
        body_name2id=lambda name: name,
        body_pos={name: pose[0] for name, pose in poses.items()},
        body_quat={name: pose[1] for name, pose in poses.items()},
    )
    problem = types.SimpleNamespace(
        model=types.SimpleNamespace(get_xml=lambda: MODEL.format(folder=tmp_path)),
        sim=types.SimpleNamespace(model=model),
        fixtures_dict={"stove": types.SimpleNamespace(root_body="stove_main"), "table": object()},
    )
    return types.SimpleNamespace(env=problem)


def test_a_scene_keeps_what_collides_and_where_fixtures_stand(tmp_path):
    scene = physics_scene(_env(tmp_path))
    root = ET.fromstring(scene.xml)
    assert [geom.get("name") or geom.get("mesh") for geom in root.iter("geom")] == ["floor", "link"]
    assert [item.tag for item in root.find("asset")] == ["mesh"]
    assert not any("material" in item.attrib for item in root.iter())
    stove = root.find(".//body[@name='stove_main']").attrib
    assert stove == {"name": "stove_main", "pos": "0.1 0.3333333333333333 0.9", "quat": "1.0 0.0 0.0 1e-17"}
    assert root.find(".//body[@name='stove_knob']").get("pos") == "1 0 0"
    assert root.find("size").attrib == {"memory": "32M"}
    assert "meshdir" not in root.find("compiler").attrib
    path = root.find("asset/mesh").get("file")
    assert scene.assets == {path: b"link.stl"}
    assert path.startswith("assets/") and path.endswith("_link.stl")


def test_assets_are_the_given_ones_or_say_what_is_missing(tmp_path):
    for name in FOLDERS[1:]:
        (tmp_path / "assets" / name).mkdir(parents=True)
    with pytest.raises(LiberoError, match=rf"has no {FOLDERS[0]}, must be given with --assets"):
        assets_folder(tmp_path, None)
    (tmp_path / "assets" / FOLDERS[0]).mkdir()
    assert assets_folder(tmp_path, None) == tmp_path / "assets"
    with pytest.raises(LiberoError, match="--assets DIR"):
        assets_folder(tmp_path, tmp_path / "elsewhere")


def test_an_interrupted_download_goes_on_and_a_finished_one_is_kept(tmp_path):
    calls = []

    def fetch(folder):
        calls.append(len(calls))
        (folder / f"file{calls[-1]}").touch()
        if len(calls) == 1:
            raise OSError("no route to host\nand more")

    with pytest.raises(LiberoError, match=r"OSError: no route to host\), must be given with --assets"):
        download(tmp_path, fetch)
    assert download(tmp_path, fetch) == download(tmp_path, fetch) == tmp_path
    assert calls == [0, 1]
    assert (tmp_path / COMPLETE).is_file()


def test_the_fingerprint_sees_names_sizes_and_descriptions(tmp_path):
    (tmp_path / "a.xml").write_text("<a/>")
    (tmp_path / "a.png").write_bytes(b"1234")
    before = fingerprint(tmp_path)
    (tmp_path / COMPLETE).touch()
    assert fingerprint(tmp_path) == before
    (tmp_path / "a.xml").write_text("<b/>")
    assert fingerprint(tmp_path) != before
    (tmp_path / "a.xml").write_text("<a/>")
    (tmp_path / "a.png").write_bytes(b"12345")
    assert fingerprint(tmp_path) != before


SOURCE = {"package": "hf-libero", "version": "0"}


def _finish(folder, suite, index, contents, key="k"):
    writer = TaskWriter(folder.root)
    name = f"tasks/{suite}/t{index}"
    for path, content in contents.items():
        writer.write(path.format(name=name), content)
    line = {"suite": suite, "index": index, "name": f"t{index}", "folder": name}
    folder.finish(name, Record(key, SOURCE, None, line, writer.files))
    return name


def test_the_index_lists_finished_tasks_in_official_order(tmp_path):
    folder = DataFolder(tmp_path / "data")
    with folder.held():
        _finish(folder, "90", 0, {"{name}/a": b"1", "assets/s": b"shared"})
        _finish(folder, "object", 1, {"{name}/a": b"2", "assets/s": b"shared"})
        _finish(folder, "object", 0, {"{name}/a": b"3"})
        index = folder.write_index(SOURCE, None)
    assert [(task["suite"], task["index"]) for task in index["tasks"]] == [("object", 0), ("object", 1), ("90", 0)]
    assert sorted(index["files"]) == ["assets/s", "tasks/90/t0/a", "tasks/object/t0/a", "tasks/object/t1/a"]
    assert json.loads((folder.root / "libero.json").read_text()) == index
    assert folder.write_index({**SOURCE, "version": "1"}, None)["tasks"] == []


def test_a_task_is_finished_only_with_its_key_and_its_bytes(tmp_path):
    folder = DataFolder(tmp_path)
    name = _finish(folder, "object", 0, {"{name}/a": b"1234"})
    assert DataFolder(tmp_path).finished(name, "k")
    assert not DataFolder(tmp_path).finished(name, "other")
    (tmp_path / name / "a").write_bytes(b"1235")
    assert not DataFolder(tmp_path).finished(name, "k")
    with pytest.raises(LiberoError, match=f"{name}/a is missing or damaged"):
        DataFolder(tmp_path).write_index(SOURCE, None)
    _finish(folder, "object", 0, {"{name}/a": b"1234"})
    assert DataFolder(tmp_path).finished(name, "k")
    (tmp_path / ".export" / f"{name}.json").write_text('{"key": "k"}')
    assert not DataFolder(tmp_path).finished(name, "k")


def test_one_name_never_gets_two_contents(tmp_path):
    writer = TaskWriter(tmp_path)
    writer.write("assets/a", b"1")
    writer.write("assets/a", b"1")
    with pytest.raises(LiberoError, match="two different files"):
        writer.write("assets/a", b"2")


def test_two_exports_never_write_to_one_folder(tmp_path):
    pytest.importorskip("fcntl", reason="no file locks on this system")
    second = DataFolder(tmp_path).held()
    with DataFolder(tmp_path).held(), pytest.raises(LiberoError, match="another export is writing there"):
        second.__enter__()
    with DataFolder(tmp_path).held():
        pass


def test_what_a_killed_export_left_half_written_is_cleared(tmp_path):
    rest = tmp_path / ".export" / "half-written" / "1-scene.xml"
    rest.parent.mkdir(parents=True)
    rest.touch()
    with DataFolder(tmp_path).held():
        assert not rest.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["-m", "efference_sim.libero.export"], 2, "--out"),
        (["-m", "efference_sim.libero.export", "--out", "{out}"], 1, "hf-libero is not installed"),
        (["-m", "efference_sim", "libero", "--print-spec"], 2, "hf-libero is not installed"),
        (["-m", "efference_sim", "libero", "--print-spec", "--image-size", "8x9"], 2, "8x9, must be square"),
    ],
)
def test_without_libero_the_commands_say_so(tmp_path, arguments, code, words):
    # Isolated from packages of this machine: the system's LIBERO, if there is one, is not found.
    hidden = "import sys; sys.modules['libero'] = None; import runpy; sys.argv = sys.argv[1:]; "
    command = [argument.format(out=tmp_path) for argument in arguments[1:]]
    run = f"{hidden}runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
    done = subprocess.run(
        [sys.executable, "-c", run, *command], cwd=PACKAGE_ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert os.listdir(tmp_path) == []


class _FakeOriginal:
    """Records what is asked of the original, and shows its step number in everything."""

    versions: ClassVar = {"hf-libero": "0.1.4", "mujoco": "3.14.0"}

    def __init__(self):
        self.made = []

    def make(self, task, **kwargs):
        self.made.append((task.key, kwargs))
        return _FakeEnv()

    def reset_officially(self, env):
        env.calls.append("reset")


class _FakeEnv:
    def __init__(self):
        self.calls = []
        self.env = self
        self.now = 0
        data = types.SimpleNamespace(xpos=np.ones((4, 3)), xquat=np.full((4, 4), 0.5))
        self.sim = types.SimpleNamespace(data=data)
        self._observables = {
            name: types.SimpleNamespace(_sensor=lambda cache, name=name: self._seen(self.now)[name])
            for name in self._seen(0)
        }

    def modify_observable(self, name, attribute, value):
        self.calls.append((name, attribute, value))

    def _seen(self, at):
        picture = np.zeros((4, 4, 3), np.uint8)
        picture[0] = 9
        return {
            "robot0_eef_pos": np.full(3, at),
            "robot0_eef_quat": np.array([0.0, 0.0, 0.0, 1.0]),
            "robot0_gripper_qpos": np.array([0.02, -0.02]),
            "robot0_joint_pos": np.full(7, at),
            "robot0_joint_vel": np.zeros(7),
            "agentview_image": picture,
            "robot0_eye_in_hand_image": picture,
        }

    def set_init_state(self, state):
        self.calls.append(("state", state[0]))
        return self._seen(self.now)

    def check_success(self):
        return False

    def step(self, action):
        assert action.dtype == np.float64
        before = self.now
        self.now += 1
        return self._seen(before + 0.5), float(self.now == 2), self.now == 2, {}

    def close(self):
        self.calls.append("close")


@pytest.fixture
def two_tasks(package):
    tasks = select_tasks(read_tasks(package), [], ["object/0", "90/1"])
    for task in tasks:
        task.initial_states.parent.mkdir(parents=True)
        _archive(task.initial_states, pickle.dumps(np.arange(10.0).reshape(5, 2), protocol=2))
    return tasks


def test_the_witness_resets_officially_and_keeps_the_model_of_a_task(two_tasks):
    original = _FakeOriginal()
    simulator = LiberoSimulator(original, two_tasks, SimulatorOptions(image_size=None, settle_steps=0))
    assert [(task.name, task.initial_states, task.max_steps) for task in simulator.tasks] == [
        ("object/put_object_b", 5, 280),
        ("90/put_90_a", 5, 400),
    ]
    assert simulator.spec.images == ()
    first = simulator.reset(ResetRequest("object/put_object_b", seed=0, initial_state=3))
    assert first.success is False
    simulator.reset(ResetRequest("object/put_object_b", seed=7))
    assert simulator._env.calls == ["reset", ("state", 6.0), "reset", ("state", 4.0)]
    env = simulator._env
    simulator.reset(ResetRequest("90/put_90_a", seed=0))
    assert env.calls[-1] == "close"
    assert original.made == [("object/put_object_b", {}), ("90/put_90_a", {})]
    assert simulator.poses().shape == (4, 7)


@pytest.mark.parametrize(("observes", "seen"), [("sampled", 0.5), ("end", 1.0)])
def test_the_witness_answers_with_what_was_sampled_or_what_is(two_tasks, observes, seen):
    simulator = LiberoSimulator(_FakeOriginal(), two_tasks, SimulatorOptions(4, observes, settle_steps=0))
    simulator.reset(ResetRequest("90/put_90_a", seed=0))
    state = simulator.step(np.zeros(7, np.float32))
    assert state.proprio["eef_position"].tolist() == [seen] * 3
    assert state.proprio["gripper_opening"].tolist() == [0.5]
    assert (state.success, state.terminated) == (False, False)
    # robosuite's first row is the lowest.
    picture = simulator.images(["agentview"])["agentview"]
    assert picture[-1].tolist() == [[9, 9, 9]] * 4
    assert picture[0].tolist() == [[0, 0, 0]] * 4
    last = simulator.step(np.zeros(7, np.float32))
    assert (last.success, last.terminated, last.reward) == (True, True, 1.0)
    disabled = {call[0] for call in simulator._env.calls if call[1:] == ("enabled", False)}
    assert ("agentview_image" in disabled) == (observes == "end")


def test_things_settle_before_the_first_observation(two_tasks):
    simulator = LiberoSimulator(_FakeOriginal(), two_tasks, SimulatorOptions(None, settle_steps=3))
    first = simulator.reset(ResetRequest("90/put_90_a", seed=0))
    assert first.proprio["eef_position"].tolist() == [2.5] * 3
    assert first.reward == 0.0


def test_a_witness_without_tasks_is_refused():
    with pytest.raises(LiberoError, match="no task is selected"):
        LiberoSimulator(_FakeOriginal(), [], SimulatorOptions())


def test_a_mesh_file_has_each_corner_once():
    # Two triangles of a square: four different corners, all with one normal.
    places = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    corners = np.concatenate([places, np.tile(np.float32([0, 0, 1]), (6, 1))], axis=1)
    content = zlib.decompress(mesh_file(corners))
    assert struct.unpack("<4s4I", content[:20]) == (b"EFM1", 0, 4, 2, 0)
    positions = np.frombuffer(content, "<f4", 12, 20).reshape(4, 3)
    normals = np.frombuffer(content, "<f4", 12, 68).reshape(4, 3)
    indices = np.frombuffer(content, "<u4", 6, 116)
    assert len(content) == 140
    np.testing.assert_array_equal(positions[indices], places)
    np.testing.assert_array_equal(normals, np.tile([0, 0, 1], (4, 1)))


def test_a_mesh_file_keeps_texture_coordinates():
    corners = np.arange(24, dtype=np.float32).reshape(3, 8)
    content = zlib.decompress(mesh_file(corners))
    assert struct.unpack("<4s4I", content[:20]) == (b"EFM1", 0, 3, 1, 1)
    indices = np.frombuffer(content, "<u4", 3, 20 + 96)
    np.testing.assert_array_equal(np.frombuffer(content, "<f4", 6, 92).reshape(3, 2)[indices], corners[:, 6:])


def test_corners_far_off_their_face_are_drawn_flat():
    face = np.array([[[0, 0, 0], [1, 0, 0], [0, 1, 0]]], np.float32)
    # 30, 40 and 0 degrees off; mjr_uploadMesh flattens beyond acos 0.8, 36.9 degrees.
    angles = np.radians([30, 40, 0])
    normals = np.stack([np.sin(angles), np.zeros(3), np.cos(angles)], axis=-1)[None].astype(np.float32)
    drawn = flattened(face, normals)
    np.testing.assert_allclose(drawn[0, 0], normals[0, 0])
    np.testing.assert_allclose(drawn[0, 1], [0, 0, 1])
    np.testing.assert_allclose(drawn[0, 2], [0, 0, 1])


def test_the_index_says_which_pictures_there_are():
    assert describe() == {"format_version": 1, "levels": ["full"], "texture_side": 512}

"""robosuite 1.4.0 on MuJoCo 3.9 and newer, by replacing what no longer works when it is imported.

Two things changed: members of ``mjtJoint`` no longer equal NumPy integers, and ``mj_fullM`` takes the data where it
took the packed inertia, which ``MjData`` no longer has. Installed files stay as they are; the arithmetic is the same.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, Callable, Union

Address = Union[int, tuple[int, int]]


def adapt_robosuite(mujoco: ModuleType) -> None:
    """Makes an imported robosuite 1.4.0 work on this MuJoCo; does nothing where it works already."""
    if hasattr(mujoco.MjData, "qM"):
        return
    from robosuite.controllers import base_controller
    from robosuite.utils import binding_utils

    kinds = mujoco.mjtJoint
    position_widths = {int(kinds.mjJNT_FREE): 7, int(kinds.mjJNT_BALL): 4}
    velocity_widths = {int(kinds.mjJNT_FREE): 6, int(kinds.mjJNT_BALL): 3}
    binding_utils.MjModel.get_joint_qpos_addr = _address_reader("jnt_qposadr", position_widths)
    binding_utils.MjModel.get_joint_qvel_addr = _address_reader("jnt_dofadr", velocity_widths)
    # The controller passes `data.qM` to `mj_fullM` and uses neither elsewhere, so one may stand for the other.
    binding_utils.MjData.qM = property(lambda wrapper: wrapper._data)
    base_controller.mujoco = _InertiaBridge(mujoco)


def _address_reader(table: str, widths: dict[int, int]) -> Callable[[Any, str], Address]:
    def read(model: Any, name: str) -> Address:
        """Where a joint's numbers are: an index, or (start, end) where it has several."""
        joint = model.joint_name2id(name)
        start = int(getattr(model, table)[joint])
        width = widths.get(int(model.jnt_type[joint]), 1)
        return start if width == 1 else (start, start + width)

    return read


class _InertiaBridge:
    """The ``mujoco`` module, with ``mj_fullM(model, out, data)`` in the old order of arguments."""

    def __init__(self, mujoco: ModuleType) -> None:
        self._mujoco = mujoco

    def __getattr__(self, name: str) -> Any:
        return getattr(self._mujoco, name)

    def mj_fullM(self, model: Any, out: Any, data: Any) -> None:
        self._mujoco.mj_fullM(model, data, out)

"""What a task is besides its scene, as JSON: goal, regions, things, and where the arm's numbers are in the state.

Names of geoms, joints and bodies are those of the scene. Everything is read from the original objects, nothing is
restated.
"""

from __future__ import annotations

from typing import Any

from .tasks import Task


def task_meta(env: Any, task: Task) -> dict[str, Any]:
    """The contents of ``meta.json`` for a ``ControlEnv`` after construction or later."""
    problem = env.env
    model = problem.sim.model._model
    return {
        "suite": f"libero_{task.suite}",
        "task": task.name,
        "language": env.language_instruction,
        "nq": int(model.nq),
        "nv": int(model.nv),
        "nu": int(model.nu),
        "goal": [list(atom) for atom in problem.parsed_problem["goal_state"]],
        "sites": {name: _site(site) for name, site in problem.object_sites_dict.items()},
        "fixtures": {
            name: {**_thing(fixture), "art": _articulation(fixture)}
            for name, fixture in problem.fixtures_dict.items()
            # Tables and floors are part of the arena: they have no body of their own.
            if hasattr(fixture, "root_body")
        },
        "objects": {name: _thing(item) for name, item in problem.objects_dict.items()},
        "arm": _arm(problem.robots[0]),
    }


def _thing(item: Any) -> dict[str, Any]:
    return {
        "cls": type(item).__name__,
        "root": item.root_body,
        "joints": list(item.joints),
        "contact_geoms": list(item.contact_geoms),
    }


def _articulation(fixture: Any) -> Any:
    """Joint ranges of open, closed, on and off; None where it has none."""
    return getattr(fixture, "object_properties", {}).get("articulation")


def _site(site: Any) -> dict[str, Any]:
    return {
        "parent": site.parent_name,
        # Half extents, m.
        "size": [float(extent) for extent in site.size],
        "joints": list(site.joints or []),
        "cls": type(site).__name__,
        "under": hasattr(site, "under"),
    }


def _arm(robot: Any) -> dict[str, Any]:
    def integers(values: Any) -> list[int]:
        return [int(value) for value in values]

    return {
        "qpos": integers(robot._ref_joint_pos_indexes),
        "qvel": integers(robot._ref_joint_vel_indexes),
        "act": integers(robot._ref_joint_actuator_indexes),
        "grip_act": integers(robot._ref_joint_gripper_actuator_indexes),
        "site": robot.gripper.important_sites["grip_site"],
        # rad; the pose at reset, to which the controller's null space pulls, not the initial state's.
        "initial_joint": [float(value) for value in robot.controller.initial_joint],
    }

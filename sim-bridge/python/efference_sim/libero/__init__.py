"""LIBERO's original Python stack beside the runtime: exports its tasks, and serves it as a witness.

``export`` writes the data folder that the simulator in Node reads; after that no Python is needed. ``simulator`` serves
the original environment over ZeroMQ, to be compared with. Needs hf-libero with robosuite 1.4.0 and MuJoCo
(``requirements.txt`` beside this file); LIBERO's meshes and textures are not part of those packages and come from a
folder that the user names, or from the package's own download. Nothing here is imported by the rest of the package.
"""

"""Writes what OpenCV makes of small images, for tests/unit/package/resize-with-pad.test.ts.

    python -m pip install opencv-python-headless==4.12.0.88 numpy
    python tests/support/resize_golden.py > tests/unit/package/resize-with-pad.golden.json

Element i of an image, counted over [channel, row, column], is (i * 37 % 101) / 100.
"""

import json

import cv2
import numpy as np

SIZES = [(4, 6, 3, 3), (3, 5, 6, 6), (5, 3, 4, 8), (2, 2, 2, 2), (7, 9, 4, 5), (1, 4, 3, 2)]


def cases():
    for height, width, to_height, to_width in SIZES:
        count = 3 * height * width
        planes = np.array([(i * 37 % 101) / 100 for i in range(count)], np.float32)
        image = planes.reshape(3, height, width).transpose(1, 2, 0)
        ratio = max(width / to_width, height / to_height)
        inner = (max(1, int(width / ratio)), max(1, int(height / ratio)))
        small = cv2.resize(np.ascontiguousarray(image), inner, interpolation=cv2.INTER_LINEAR)
        small = small.reshape(inner[1], inner[0], 3)
        down, across = to_height - inner[1], to_width - inner[0]
        for pad, (top, left) in {"before": (down, across), "both": (down // 2, across // 2)}.items():
            framed = np.zeros((to_height, to_width, 3), np.float32)
            framed[top : top + inner[1], left : left + inner[0]] = small
            values = [float(f"{x:.7g}") for x in framed.transpose(2, 0, 1).flatten().tolist()]
            yield {"from": [height, width], "to": [to_height, to_width], "pad": pad, "values": values}


print(f'{{"opencv": "{cv2.__version__}", "cases": [')
print(",\n".join(json.dumps(case) for case in cases()))
print("]}")

"""What the web process and the worker load: never torch, and little memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PROBE = """
import importlib, json, pkgutil, sys, os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")
importlib.import_module({entry!r})
import django; django.setup()
import {package}
for module in pkgutil.walk_packages({package}.__path__, {package!r} + "."):
    if ".migrations." not in module.name:
        importlib.import_module(module.name)
resident = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
heavy = [name for name in ("torch", "torchvision", "onnx") if name in sys.modules]
print(json.dumps({{"heavy": heavy, "resident": resident}}))
"""


@pytest.mark.parametrize(
    ("package", "entry"), [("webapp", "webapp.asgi"), ("workers", "workers.celery")]
)
def test_everything_loaded_is_light(package: str, entry: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", PROBE.format(package=package, entry=entry)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = json.loads(answer.stdout.splitlines()[-1])
    assert loaded["heavy"] == []
    assert loaded["resident"] < 200 * 2**20

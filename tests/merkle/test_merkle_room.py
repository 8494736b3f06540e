"""The room as a whole: what is public, and that asking for it costs nothing."""

import importlib
import inspect
import subprocess
import sys

import pytest

MODULES = [f"muniment.merkle.{name}" for name in ("canonical", "checkpoint", "note", "proof", "tiles", "tree")]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_lists_what_is_public(name: str) -> None:
    module = importlib.import_module(name)
    defined = {
        key
        for key, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == name and key[0] != "_"
    }
    assert defined <= set(module.__all__)
    assert all(hasattr(module, key) for key in module.__all__)
    assert list(module.__all__) == sorted(module.__all__, key=lambda key: (not key.isupper(), key))


def test_importing_the_room_imports_no_heavy_library() -> None:
    program = f"import {', '.join(MODULES)}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"cryptography", "pyarrow", "numpy", "duckdb"} & set(loaded)

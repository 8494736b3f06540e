"""The room as others find it: what is public, and what importing it costs."""

import importlib
import inspect
import json
import pkgutil
import subprocess
import sys

import pytest

import muniment
import muniment.source

MODULES = [module.name for module in pkgutil.iter_modules(muniment.source.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_what_a_module_makes_public_is_what_it_lists(name: str) -> None:
    module = importlib.import_module(f"muniment.source.{name}")
    made_here = {
        called
        for called, value in vars(module).items()
        if inspect.isclass(value) or inspect.isfunction(value)
        if value.__module__ == module.__name__ and not called.startswith("_")
    }
    assert made_here <= set(module.__all__) <= set(vars(module))


def test_importing_the_package_loads_neither_http_nor_threads() -> None:
    program = "import muniment, sys, json; print(json.dumps(sorted(sys.modules)))"
    output = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
    loaded = json.loads(output)
    assert "muniment" in loaded
    assert not [name for name in loaded if name.startswith(("muniment.source", "urllib3", "http", "ssl", "msgspec"))]


def test_the_library_is_loaded_when_it_is_first_used() -> None:
    assert muniment.AccountManager.__module__ == "muniment.source.account_manager"
    assert {"AccountManager", "Archive"} <= set(dir(muniment))
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        _ = muniment.Nothing

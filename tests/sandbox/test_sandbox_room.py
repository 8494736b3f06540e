"""The room as a whole: what is public."""

import importlib
import inspect
import pkgutil

import pytest

import muniment.sandbox

MODULES = [module.name for module in pkgutil.walk_packages(muniment.sandbox.__path__, "muniment.sandbox.")]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_lists_what_is_public(name: str) -> None:
    module = importlib.import_module(name)
    defined = {
        key
        for key, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == name and key[0] != "_"
    }
    listed = getattr(module, "__all__", [])
    assert defined <= set(listed)
    assert all(hasattr(module, key) for key in listed)

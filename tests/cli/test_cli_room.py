"""The room as a whole: what is public."""

import importlib
import inspect
import pkgutil

import pytest

import muniment.cli

MODULES = [f"muniment.cli.{found.name}" for found in pkgutil.iter_modules(muniment.cli.__path__)]


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
    assert list(module.__all__) == sorted(
        module.__all__, key=lambda key: (not key.isupper(), not key[0].isupper(), key)
    )

"""The version, as the package's metadata says."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("muniment")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"

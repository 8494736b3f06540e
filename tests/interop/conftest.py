"""Builds the Go verifier once a session; without Go its tests are skipped, except where CI must have it."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

GoVerify = Callable[..., subprocess.CompletedProcess[str]]

SOURCE = Path(__file__).parent / "go" / "main.go"
DEBIAN_GOPATH = "/usr/share/gocode"  # where Debian's golang-*-dev packages put their sources
INSTALL = "apt-get install golang-go golang-golang-x-mod-dev"


@pytest.fixture(scope="session")
def go_program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built verifier."""
    go = shutil.which("go")
    if go is None:
        give_up(f"there is no Go compiler: {INSTALL}")
    folder = tmp_path_factory.mktemp("go")
    environment = {
        **os.environ,
        "GO111MODULE": "off",
        "GOPATH": os.pathsep.join([DEBIAN_GOPATH, os.environ.get("GOPATH", "")]).strip(os.pathsep),
        "GOFLAGS": "",
        "GOCACHE": str(folder / "cache"),
        "CGO_ENABLED": "0",
    }
    program = folder / "goverify"
    command = [go, "build", "-o", str(program), SOURCE.name]
    built = subprocess.run(command, cwd=SOURCE.parent, env=environment, capture_output=True, text=True, check=False)
    if "cannot find package" in built.stderr:
        give_up(f"golang.org/x/mod is not installed: {INSTALL}")
    assert built.returncode == 0, built.stderr
    return program


@pytest.fixture(scope="session")
def go_verify(go_program: Path) -> GoVerify:
    """Run Go's verifier: ``go_verify(folder, vkey, leaf=…, index=…, old=…, proof=…)``.

    `folder` holds ``checkpoint`` and ``tile/`` and may be None where only a proof file is looked at; `leaf`, `old` and
    `proof` are paths, `leaf` of a file with a leaf's exact bytes, `index` its place, `old` an earlier checkpoint. The
    answer has a line on stdout for each check that held; its return code is 0, or 1 with the reason on stderr.
    """

    def run(
        folder: Path | None,
        vkey: str,
        *,
        leaf: Path | None = None,
        index: int | None = None,
        old: Path | None = None,
        proof: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        options = {"-dir": folder, "-vkey": vkey, "-leaf": leaf, "-index": index, "-old": old, "-proof": proof}
        arguments = [str(part) for option in options.items() if option[1] is not None for part in option]
        return subprocess.run([str(go_program), *arguments], capture_output=True, text=True, check=False, timeout=120)

    return run


def give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"CI must have it: {reason}")
    pytest.skip(reason)

"""What shells are told to complete commands and options."""

import re
import shutil
import subprocess

import pytest
from tests.cli.terminal import PROGRAM, Place, Terminal

COMPLETE = {"bash": "bash_complete", "zsh": "zsh_complete", "fish": "fish_complete"}


@pytest.mark.parametrize("shell", COMPLETE)
def test_the_script_defines_a_function_for_muniment(muniment: Terminal, shell: str) -> None:
    said = muniment("completion", shell)
    assert said.code == 0
    assert "_muniment_completion" in said.out
    assert f"_MUNIMENT_COMPLETE={COMPLETE[shell]}" in said.out
    assert said.err == ""


@pytest.mark.parametrize("shell", COMPLETE)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("muniment col", "collect"),
        ("muniment completion fi", "fish"),
        ("muniment collect --acc", "--accept-scope"),
        ("muniment key ch", "change"),
        ("muniment entries --form", "--format"),
    ],
)
def test_words_are_completed(place: Place, shell: str, words: str, expected: str) -> None:
    last = words.rsplit(maxsplit=1)[-1] if shell == "fish" else str(len(words.split()) - 1)
    said = place.call(_MUNIMENT_COMPLETE=COMPLETE[shell], COMP_WORDS=words, COMP_CWORD=last)
    assert said.code == 0, said.err
    assert expected in re.split(r"[,\t\n]", said.out)


def test_broken_settings_do_not_disturb_completion(place: Place) -> None:
    (place.work / "muniment.toml").write_text("[[[")
    environ = {"_MUNIMENT_COMPLETE": "bash_complete", "COMP_WORDS": "muniment collect --acc", "COMP_CWORD": "2"}
    said = place.call(**environ)
    assert (said.out, said.err) == ("plain,--accept-scope\n", "")


def test_bash_itself_takes_the_script(muniment: Terminal, place: Place) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here to try the script in")
    (place.work / "muniment").write_text(f'#!/bin/sh\nexec {PROGRAM[0]} -c "{PROGRAM[2]}" "$@"\n')
    (place.work / "muniment").chmod(0o755)
    script = muniment("completion", "bash").out
    ask = "COMP_WORDS=(muniment col) COMP_CWORD=1; _muniment_completion muniment; echo ${COMPREPLY[@]}"
    ran = subprocess.run(
        [bash, "--noprofile", "--norc", "-c", f'PATH="$PWD:$PATH"\n{script}\n{ask}'],
        check=True,
        capture_output=True,
        text=True,
        cwd=place.work,
    )
    assert ran.stdout == "collect\n"

"""`muniment completion`: what a shell needs to complete commands and options."""

import click

__all__ = ["completion"]


@click.command(
    epilog="""\b
Examples:
  muniment completion bash >> ~/.bash_completion
  muniment completion zsh > "${fpath[1]}/_muniment"
  muniment completion fish > ~/.config/fish/completions/muniment.fish
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, /, shell: str) -> None:
    """Print what SHELL needs to complete commands and options."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - start-up

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "muniment", "_MUNIMENT_COMPLETE").source())

"""`muniment completion`: what a shell needs to complete commands and options."""

import click

__all__ = ["completion"]


@click.command(
    epilog="""\b
Example, for bash:
  muniment completion bash >> ~/.bash_completion
"""
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a completion script for SHELL."""
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - start-up

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(kind(ctx.find_root().command, {}, "muniment", "_MUNIMENT_COMPLETE").source())

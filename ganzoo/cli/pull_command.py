"""``ganzoo pull``."""

from __future__ import annotations

import click

from ganzoo.cli.options import complete_model, size_text


@click.command("pull")
@click.argument("model", shell_complete=complete_model)
@click.option("--discriminator", is_flag=True, help="Also fetch the networks that only training needs.")
@click.option("--verify", is_flag=True, help="Also compare the cached files with the hashes on the Hub.")
def command(model: str, discriminator: bool, verify: bool) -> None:
    """Download MODEL, so that it loads without a network.

    MODEL is a name of the zoo, hf:owner/name or hf:owner/name@revision.

    Every file is checked against its hash after the download and at every load; one that differs is removed.
    """
    from ganzoo.models.load import find, find_training, verify_with_hub

    found = find(model)
    size = found.weights.stat().st_size
    click.echo(f"{found.origin}: {found.weights} ({size_text(size)}), sha256 verified")
    if discriminator:
        training = find_training(found)
        text = f"{training} ({size_text(training.stat().st_size)})" if training else "not published"
        click.echo(f"  discriminator: {text}")
    if verify:
        for file in verify_with_hub(found):
            click.echo(f"  {file}: as on the Hub")

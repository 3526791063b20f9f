"""``ganzoo pull``."""

from __future__ import annotations

import click

from ganzoo.cli.options import complete_model, size_text


@click.command("pull")
@click.argument("model", shell_complete=complete_model)
@click.option("--discriminator", is_flag=True, help="Also what only training needs, for fine-tuning offline.")
@click.option("--verify", is_flag=True, help="Also ask the Hub for the hashes of the files that are here, and compare.")
def command(model: str, discriminator: bool, verify: bool) -> None:
    """Fetch MODEL ahead, so that it loads without a network.

    MODEL is a name of the zoo, hf:owner/name or hf:owner/name@revision.

    Every file is checked against its hash when it comes and whenever it is loaded; one that is not what it should be is
    removed.
    """
    from ganzoo.models.load import find, find_training, verify_with_hub

    found = find(model)
    size = found.weights.stat().st_size
    click.echo(f"{found.origin}: {found.weights} ({size_text(size)}), sha256 as it should be")
    if discriminator:
        training = find_training(found)
        said = f"{training} ({size_text(training.stat().st_size)})" if training else "it was published without"
        click.echo(f"  what only training needs: {said}")
    if verify:
        for file in verify_with_hub(found):
            click.echo(f"  {file}: as on the Hub")

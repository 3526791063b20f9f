"""``ganzoo eval``."""

from __future__ import annotations

import click

from ganzoo.cli.common import complete_model, dump, table, warn
from ganzoo.registry import installed


@click.command("eval")
@click.argument("model", shell_complete=complete_model)
@click.option(
    "-m",
    "--metrics",
    "protocols",
    multiple=True,
    required=True,
    metavar="PROTOCOL",
    help="METRIC[EXTRACTOR]@IMAGES/SPLIT, for instance 'fd[pixels]@10k/test'; may be given several times.",
)
@click.option("--data", help="The real images.  [default: what the model was trained on]")
@click.option("--batch-size", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    model: str, protocols: tuple[str, ...], data: str | None, batch_size: int, device: str, as_json: bool
) -> None:
    """Measure what a MODEL draws: one of the zoo or the Hub, or the folder of a run.

    `ganzoo list --all` shows the metrics and the extractors.
    """
    import msgspec

    zoo = installed()
    warn(zoo)

    from ganzoo.metrics import evaluate
    from ganzoo.pretrained import assemble, find

    found = find(model)
    own = found.config.training.get("data") or found.config.data.get("name")
    scores = evaluate(
        assemble(found, device=device), protocols, data=data or (str(own) if own else None), batch_size=batch_size
    )
    if as_json:
        dump(msgspec.to_builtins(scores))
        return
    rows = [
        [score.protocol, f"{score.value:.6g}", f"{zoo.metrics[score.name].record.better} is better"] for score in scores
    ]
    click.echo(table(["PROTOCOL", "VALUE", ""], rows))

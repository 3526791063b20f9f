"""``ganzoo eval``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from ganzoo.cli.options import complete_model, device_option, dump, own_data, table, warn
from ganzoo.errors import ConfigError
from ganzoo.registry import Score, installed

if TYPE_CHECKING:
    from ganzoo.models.load import Model


@click.command("eval")
@click.argument("model", shell_complete=complete_model)
@click.option(
    "-m",
    "--metrics",
    "protocols",
    multiple=True,
    metavar="PROTOCOL",
    help="METRIC[EXTRACTOR]@IMAGES/SPLIT, for instance 'fd[pixels]@10k/test'; may be given several times.  "
    "[default: those of its stored values]",
)
@click.option("--data", help="The real images.  [default: the training data]")
@click.option(
    "--to", metavar="A|B", help="The target, for a model that translates in both directions.  [default: its first]"
)
@click.option("--batch-size", type=click.IntRange(1, 100_000), default=64, show_default=True)
@device_option
@click.option("--update", is_flag=True, help="Write the values into the model's config.json and its card.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    model: str, protocols: tuple[str, ...], data: str | None, to: str | None, batch_size: int, device: str,
    update: bool, as_json: bool,
) -> None:  # fmt: skip
    """Measure the images that a MODEL generates: one of the zoo or the Hub, or the folder of a run.

    `ganzoo list --all` shows the metrics and the extractors. With --update the values are written into the model's
    config.json and card; of hf:owner/name in one commit on the Hub.
    """
    import msgspec

    zoo = installed()
    warn(zoo)

    from ganzoo._distributed import launched
    from ganzoo.metrics import evaluate
    from ganzoo.metrics.jobs import read_protocols
    from ganzoo.models.create import pick_device
    from ganzoo.models.load import assemble, find
    from ganzoo.publishing.scores import check_recordable, record

    parsed = read_protocols(zoo, protocols)  # before anything is fetched
    found = find(model)
    weights = check_recordable(model, found) if update else None
    parsed = parsed or read_protocols(zoo, known_protocols(found))
    real = own_data(zoo, found) if data is None and any(protocol.split for protocol in parsed) else data
    where = pick_device(device)
    gan = assemble(found, device=where)
    with launched(where) as processes:
        scores = evaluate(gan, parsed, data=real, to=to, batch_size=batch_size, processes=processes)
    if not processes.is_first:
        return
    if as_json:
        dump(msgspec.to_builtins(scores))
    else:
        rows = [
            [score.protocol, f"{score.value:.6g}", f"{zoo.metrics[score.name].record.better} is better"]
            for score in scores
        ]
        click.echo("\n".join([table(["PROTOCOL", "VALUE", ""], rows), *carried(scores)]))
    if update:  # after printing: values that cannot be written are not lost
        written = record(model, found, gan, scores, weights)
        click.echo(f"\nwritten into {written}", err=as_json)


def carried(scores: Sequence[Score]) -> list[str]:
    """Return what is stored with the protocols of values, once each: the real images and the weights of extractors."""
    from ganzoo.cli.model_rows import brief
    from ganzoo.metrics import Protocol

    data = [f"data {score.data}" for score in scores if score.data]
    weights = [f"weights {Protocol.parse(s.protocol).extractor} {brief(s.weights)}" for s in scores if s.weights]
    data, weights = [*dict.fromkeys(data)], [*dict.fromkeys(weights)]
    alone = len(data) < 2 and len(weights) < 2
    return ["; ".join([*data, *weights])] * bool(data or weights) if alone else [*data, *weights]


def known_protocols(model: Model) -> list[str]:
    """Return the protocols of a model's stored values, or those measured in its training.

    Raises:
        ConfigError: there are none.
    """
    from ganzoo.metrics.protocol import EXAMPLE

    trained_with = model.config.training.get("metrics")
    known = [score.protocol for score in model.config.metrics]
    known = known or ([str(protocol) for protocol in trained_with] if isinstance(trained_with, list | tuple) else [])
    if not known:
        raise ConfigError(f"{model.name} was not measured before: name a protocol, as in -m '{EXAMPLE}'")
    return known

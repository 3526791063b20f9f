"""``ganzoo check``."""

from __future__ import annotations

import click

from ganzoo.cli.options import complete_architecture, dump, warn
from ganzoo.errors import one_line, printable
from ganzoo.registry import installed
from ganzoo.registry.hyperparameters import make_config, parse_options


@click.command("check")
@click.argument("architecture", shell_complete=complete_architecture)
@click.option(
    "-o",
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="A hyper-parameter, for instance one that keeps it small.",
)
@click.option("--data", help="Images to train on.  [default: 1,000 digits of MNIST that ship with ganzoo]")
@click.option("--only", multiple=True, metavar="CHECK", help="Run only this check; may be repeated.")
@click.option(
    "--expect",
    "expected",
    multiple=True,
    metavar="CHECK=REASON",
    help="A check that is expected to fail, with the reason; a pass is then a failure.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    architecture: str, options: tuple[str, ...], data: str | None, only: tuple[str, ...], expected: tuple[str, ...],
    as_json: bool,
) -> int:  # fmt: skip
    """Run the conformance kit on an installed ARCHITECTURE.

    It checks that the architecture behaves as the command line and the engine expect.
    """
    zoo = installed()
    record = zoo.architectures[architecture].record
    words = parse_options(options)
    values = make_config(record.config, words, text=True, owner=architecture)
    reasons = parse_options(expected, "--expect bf16='it overflows'")
    warn(zoo)

    import dataclasses

    from ganzoo import testing  # imports torch, so it comes after the arguments are validated
    from ganzoo.registry.hyperparameters import config_to_dict

    checks = testing.select(only, reasons)
    given = {key: value for key, value in config_to_dict(values).items() if key in words}
    results = []
    for result in testing.run(testing.Subject.find(architecture, given, data), checks, reasons):
        results.append(result)
        if not as_json:
            reason = f"  ({one_line(result.message)})" if result.status == "expected" else ""
            click.echo(f"{result.status.upper():<8}  {result.name}  {result.seconds:.1f} s{reason}")
    failed = [result for result in results if result.status == "failed"]
    if as_json:
        dump([dataclasses.asdict(result) for result in results])
        return bool(failed)
    for result in failed:
        click.echo(printable(f"\n{result.name}\n  {result.message}\n  Why it matters: {result.meaning}"))
    counts = ", ".join(
        f"{count} {status}"
        for status in ("failed", "skipped", "passed", "expected")
        if (count := sum(result.status == status for result in results))
    )
    click.echo(f"\n{architecture}: {counts} in {sum(result.seconds for result in results):.1f} s")
    return bool(failed)

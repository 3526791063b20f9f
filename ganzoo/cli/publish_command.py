"""``ganzoo publish``."""

from __future__ import annotations

from pathlib import Path

import click

from ganzoo.cli.options import FilePath, complete_model, dump


@click.command("publish")
@click.argument("model", shell_complete=complete_model)
@click.argument("repo", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="Create the repository as private.")
@click.option("--revision", default="main", show_default=True, help="The branch; created if missing.")
@click.option("--create-pr", is_flag=True, help="Open a pull request instead of committing.")
@click.option("--discriminator", is_flag=True, help="Add the networks that only training needs, for fine-tuning.")
@click.option(
    "--license",
    help="Of the weights: cc-by-4.0, apache-2.0.  [default: the model's, the card's, the data set's, or unknown]",
)
@click.option("--message", help="Of the commit.")
@click.option("--dry-run", is_flag=True, help="Write the folder that would be uploaded, and upload nothing.")
@click.option("--out", type=FilePath(), help="That folder.  [default: publish/OWNER--NAME]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    model: str, repo: str, private: bool, revision: str, create_pr: bool, discriminator: bool, license: str | None,  # noqa: A002
    message: str | None, dry_run: bool, out: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Publish MODEL on the Hugging Face Hub as OWNER/NAME.

    MODEL is a run, a model folder or a name of the zoo. It is uploaded in one commit,
    or in none where nothing has changed. The card on the Hub keeps what was written into it by hand.
    """
    if out is not None and not dry_run:
        raise click.UsageError("--out goes with --dry-run")
    from ganzoo.publishing import publish, staging

    target = (out or Path("publish") / repo.replace("/", "--")) if dry_run else None
    done = publish.publish(
        model, repo, private=private, revision=revision, create_pr=create_pr, discriminator=discriminator,
        license=license, message=message, dry_run=target,
    )  # fmt: skip
    for note in done.notes:
        click.echo(f"! {note}", err=True)
    if as_json:
        dump({**done._asdict(), "folder": str(done.folder) if done.folder else None})
        return
    if done.folder is not None:
        click.echo(f"wrote {done.folder}: {', '.join(sorted(p.name for p in done.folder.iterdir()))}")
        what = [f"change {', '.join(done.changed)}"] if done.changed else []
        what += [f"remove {', '.join(done.removed)}"] if done.removed else []
        click.echo(f"would {' and '.join(what)} of {done.address}" if what else "nothing would change")
    elif not (done.changed or done.removed):
        click.echo(f"nothing has changed since {done.url}: no commit was made")
        return
    else:
        removed = f" (removed {', '.join(done.removed)})" if done.removed else ""
        click.echo(f"published {', '.join(done.changed)}{removed}: {done.url}")
    if done.pull_request:
        click.echo(f"pull request: {done.pull_request}")
    click.echo(f"\nthe entry for a registry.yaml:\n\n{staging.entry_text(done.entry).rstrip()}")
    if done.folder is None:
        click.echo(f'\ngan = ganzoo.load("{done.address}")')

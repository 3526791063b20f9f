"""The command line: one file per command, imported when it is called; heavy imports come as late as possible."""

from __future__ import annotations

import gc
import importlib
import io
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING

import click

from ganzoo._version import __version__
from ganzoo.errors import GanzooError, PluginError, did_you_mean, is_out_of_memory, one_line, printable, unsigned
from ganzoo.registry import guard

if TYPE_CHECKING:
    from ganzoo.registry import Command
    from ganzoo.registry.zoo import Registered

COMMANDS = (
    "list", "show", "sample", "translate", "train", "eval", "compare", "neighbours", "publish", "pull", "new", "check",
    "plugins",
)  # fmt: skip


def plugin_commands() -> dict[str, Registered[Command]]:
    """Return the commands of plugins by name; a built-in command of the same name takes precedence."""
    from ganzoo.registry import installed  # a built-in command may not need plugins

    try:
        registry = installed().commands
    except GanzooError:  # GANZOO_PLUGINS or GANZOO_STRICT: the help works all the same
        return {}
    return {name: entry for name, entry in registry.items() if name not in COMMANDS}


class LazyGroup(click.Group):
    """A group whose commands are modules of this package and commands of plugins, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer needs them, and plugins' where their records ask to be."""
        names = [*COMMANDS]
        for name, entry in plugin_commands().items():
            after = entry.record.after
            names.insert(names.index(after) + 1 if after in names else len(names), name)
        return names

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name in COMMANDS:
            command: click.Command = importlib.import_module(f"ganzoo.cli.{cmd_name}_command").command
            return command
        entry = plugin_commands().get(cmd_name)
        if entry is None:
            return None
        from ganzoo.registry.zoo import import_target

        try:
            found = import_target("command", entry)
        except PluginError:
            if ctx.resilient_parsing:  # shell completion leaves out a broken command
                return None
            raise
        if not isinstance(found, click.Command):
            raise PluginError(f"the command '{cmd_name}' of {entry.dist} is not a click.Command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands; a plugin's command is not imported for its line."""
        plugins, names = plugin_commands(), self.list_commands(ctx)
        limit = formatter.width - 6 - max(map(len, names))
        rows = []
        for name in names:
            command = None if name in plugins else self.get_command(ctx, name)
            command = command or click.Command(name, help=one_line(plugins[name].record.summary))
            rows.append((name, command.get_short_help_str(limit)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for a mistyped one, suggest the closest."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            plugins = plugin_commands()
            if args[0] not in plugins:
                ctx.fail(f"No such command '{args[0]}'.{did_you_mean(args[0], [*COMMANDS, *plugins])}")
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="ganzoo")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def cli(debug: bool) -> None:
    """A zoo of GANs: list, sample, train and publish generative adversarial networks."""


def main() -> None:
    """Run the command line; every error is one line on stderr, and a non-zero exit."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the terminal's encoding may lack letters of a summary
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that partial files are cleaned up
    guard.ends_process = True
    if sys.stderr is None or not sys.stderr.isatty():  # bars would write control characters into a file
        for library in ("HUB", "DATASETS"):
            os.environ.setdefault(f"HF_{library}_DISABLE_PROGRESS_BARS", "1")
    warnings.filterwarnings("ignore", module=r"PIL\.")  # of damaged images, which are named, or read as far as they go
    debug = "--debug" in sys.argv[1:]
    # `ganzoo train --debug` is as good as `ganzoo --debug train`.
    arguments = [a for a in sys.argv[1:] if a != "--debug"]
    if arguments[:1] in (["list"], ["show"]):  # they end before there is much to collect: a twentieth of their time
        gc.disable()
    try:
        code = cli.main(args=arguments, prog_name="ganzoo", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the process that reads our output has ended: `ganzoo list | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (GanzooError, OSError) as error:  # an OSError: a full disk, a folder that cannot be read
        _fail(str(error), debug)
    except Exception as error:  # noqa: BLE001 - any error is reported in one line
        if is_out_of_memory(error):
            _fail("out of memory: use a smaller batch size, image size, width or number of images", debug)
        plugin = _plugin_that_raised(error)
        where, report = (f" in the plugin {plugin}", "report it to its authors") if plugin else ("", "please report it")
        _fail(f"unexpected {type(error).__name__}{where}: {error} (--debug shows where; {report})", debug)
    else:
        _leave(code if isinstance(code, int) else 0)
    finally:
        gc.enable()


def _plugin_that_raised(error: Exception) -> str | None:
    """Return the package of the plugin that called what raised an error; None where ganzoo itself did."""
    from traceback import walk_tb

    from ganzoo.registry import installed

    if not installed.cache_info().currsize:  # no plugin was loaded
        return None
    packages = {plugin.module.__name__.partition(".")[0]: plugin.dist for plugin in installed().plugins}
    packages["ganzoo"] = "ganzoo"
    names = [str(frame.f_globals.get("__name__")).partition(".")[0] for frame, _ in walk_tb(error.__traceback__)]
    innermost = [packages[name] for name in names if name in packages][-1:]  # below it are torch and the like
    return None if innermost in ([], ["ganzoo"]) else innermost[0]


def _leave(code: int) -> None:
    """Exit; as one of several processes at once, as a thread of gloo that is left may abort an orderly end."""
    if os.environ.get("WORLD_SIZE", "1") != "1":
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # all output is written, and the process group is closed
    sys.exit(code)


def _fail(message: str, debug: bool) -> None:
    if debug:
        import traceback

        click.echo(printable(unsigned(traceback.format_exc())), err=True, nl=False)
    click.echo(f"Error: {one_line(message)}", err=True)  # it may quote an untrusted file
    sys.exit(1)

"""``tailstress merge``: one run from its shards."""

from __future__ import annotations

from pathlib import Path

import click

from stress.cli.options import console, force_option, json_option, out_option, print_json, quiet_option

_EPILOG = """\b
Example, on two machines that share a folder:
  tailstress run october-2025 --shard 1/2 -o shards/1
  tailstress run october-2025 --shard 2/2 -o shards/2
  tailstress merge shards
"""


@click.command("merge", help="Merge the shards of a run; the result is that of a run in one go.", epilog=_EPILOG)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@out_option("Folder of the run; by default 'merged' in DIR.")
@force_option
@json_option
@quiet_option
def command(folder: Path, out: Path | None, force: bool, as_json: bool, quiet: bool) -> None:
    """Find the shards, merge them, print the run's headline."""
    import stress
    from stress.cli.headline import headline
    from stress.shards import merge, shards_in
    from stress.sizing import size

    if not quiet:
        click.echo(f"merging {len(shards_in(folder))} shards", err=True)
    result = merge(folder, folder / "merged" if out is None else out, force=force)
    if as_json:
        manifest = result.manifest
        known = {key: manifest[key] for key in ("scenario_name", "seed", "paths", "content_hash")}
        print_json({"folder": str(result.folder), **known})
        return
    console(stderr=False).print(headline(size(stress.load(result.folder))))
    click.echo(str(result.folder))

"""The list of commands in `--help`, read from their sources: importing them all takes more than a second."""

from __future__ import annotations

import ast
from importlib.util import find_spec
from pathlib import Path

from cyclopts import App
from cyclopts.command_spec import CommandSpec


def summarise(command: App) -> None:
    """Give every command that is not imported yet its line in the list of commands."""
    for spec in command._commands.values():  # cyclopts shows commands only imported
        if isinstance(spec, CommandSpec):
            spec.help = summary(spec.import_path)


def summary(import_path: str) -> str:
    """The first paragraph of what the function or the group `module:name` says about itself."""
    module, _, name = import_path.partition(":")
    found = find_spec(module)
    assert found is not None
    assert found.origin is not None
    said = _said(ast.parse(Path(found.origin).read_bytes()), name)
    return " ".join(said.strip().split("\n\n")[0].split())


def _said(tree: ast.Module, name: str) -> str:
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=found) if found == name:
                return ast.get_docstring(node) or name
            case ast.Assign(targets=[ast.Name(id=found)], value=ast.Call(keywords=keywords)) if found == name:
                return next(str(ast.literal_eval(word.value)) for word in keywords if word.arg == "help")
    raise LookupError(name)

"""What there is to change in the code, one place at a time, and what each change makes of it."""

from __future__ import annotations

import ast
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]

# What another operator makes of a comparison: first the bound itself, then the other way round.
COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}


class Edit(NamedTuple):
    """A field of a node of a syntax tree, and what another program has there."""

    node: ast.AST
    field: str
    value: Any


class Mutant(NamedTuple):
    """A file and the number of the edit that makes the mutant of it."""

    path: str
    number: int

    def __str__(self) -> str:
        return f"{self.path}@{self.number}"


def code_of(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run: no docstring, of annotations only what is called in them."""
    for field, value in ast.iter_fields(tree):
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or is_for_checkers(node):
                continue
            if field in ("annotation", "returns"):
                calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)]
                yield from (inner for call in calls for inner in code_of(call))
            else:
                yield node
                yield from code_of(node)


def is_for_checkers(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def edits(tree: ast.AST) -> Iterator[Edit]:
    """Yield every change of one place, in an order that depends on the source alone."""
    for node in code_of(tree):
        match node:
            case ast.Compare(ops=ops):
                for at, operator in enumerate(ops):
                    for other in COMPARED[type(operator)]:
                        yield Edit(node, "ops", [*ops[:at], other(), *ops[at + 1 :]])
            case ast.BinOp(op=op) | ast.AugAssign(op=op) if type(op) in COMPUTED:
                yield Edit(node, "op", COMPUTED[type(op)]())
            case ast.BoolOp(op=op):
                yield Edit(node, "op", ast.Or() if isinstance(op, ast.And) else ast.And())
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield Edit(node, "operand", ast.UnaryOp(ast.Not(), operand))
            case ast.UnaryOp(op=ast.USub()):
                yield Edit(node, "op", ast.UAdd())
            case ast.Constant(value=bool() as value):
                yield Edit(node, "value", not value)
            case ast.Constant(value=int() | float() as value):
                yield Edit(node, "value", value + 1)
            case ast.Expr(value=ast.Call()):
                yield Edit(node, "value", ast.Constant(None))
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                # Of the others the operator has its own other way round.
                if isinstance(test, (ast.Name, ast.Attribute, ast.Call, ast.Subscript)):
                    yield Edit(node, "test", ast.UnaryOp(ast.Not(), test))


def mutated(source: str, number: int) -> tuple[str, str]:
    """Return a source with one edit made, and the edit in words."""
    tree = ast.parse(source)
    edit = list(edits(tree))[number]
    before = ast.unparse(edit.node)
    setattr(edit.node, edit.field, edit.value)
    after = ast.unparse(ast.fix_missing_locations(edit.node))
    line = getattr(edit.node, "lineno", 0)
    return ast.unparse(tree), f"line {line}: {first_line(before)}  ->  {first_line(after)}"


def first_line(text: str) -> str:
    return text.split("\n")[0]


def mutants_in(place: Path) -> list[Mutant]:
    """Return all mutants of a file, or of the files in a folder."""
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return [
        Mutant(path.relative_to(ROOT).as_posix(), number)
        for path in files
        if path.name != "__init__.py"
        for number, _ in enumerate(edits(ast.parse(path.read_text(encoding="utf-8"))))
    ]


def chosen(where: list[str], sample: int, seed: int) -> list[Mutant]:
    """Return the mutants asked for: those named, and a sample of those in places."""
    found = [mutant_named(name) for name in where if "@" in name]
    places = [(ROOT / name).resolve() for name in where if "@" not in name]
    for place in places:
        if not place.exists():
            sys.exit(f"{place}: got no such file or folder, expected one below {ROOT}")
    everything = [mutant for place in places for mutant in mutants_in(place)]
    size = min(sample, len(everything))
    return found + sorted(random.Random(seed).sample(everything, size))


def mutant_named(name: str) -> Mutant:
    path, _, number = name.rpartition("@")
    file = ROOT / path
    if number.isdecimal() and file.is_file() and int(number) < len(mutants_in(file)):
        return Mutant(path, int(number))
    sys.exit(f"{name}: got no such mutant, expected FILE@NUMBER as a run prints it")

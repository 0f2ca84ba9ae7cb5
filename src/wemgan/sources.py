"""Which Python files a step really uses: what the workflow watches, so that a change of code redoes what it touches."""

import ast
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
# Words, checks and file handling: a change there cannot change a result.
PLUMBING = {
    f"wemgan.{name}" for name in ("alone", "config", "errors", "files", "live", "origin", "schema", "sources")
} | {"wemgan"}


def sources(step: str) -> list[str]:
    """The files of the module `wemgan.<step>` and of all that it imports of this package, sorted.

    Paths are relative to the project's root, with forward slashes.
    """
    seen: set[str] = set()
    waiting = [f"wemgan.{step}"]
    while waiting:
        module = waiting.pop()
        if module in seen or module in PLUMBING:
            continue
        seen.add(module)
        waiting += _imports(module)
    return sorted(f"src/{_file(module).relative_to(PACKAGE.parent).as_posix()}" for module in seen)


def sources_here(step: str) -> list[Path]:
    """The same files, where they lie on this machine."""
    return [PACKAGE.parent / Path(path).relative_to("src") for path in sources(step)]


@cache
def _imports(module: str) -> set[str]:
    """The modules of this package that a module imports, anywhere in its file; a package also runs its __main__."""
    path, found = _file(module), set()
    if path.name == "__init__.py" and (path.parent / "__main__.py").exists():
        found.add(f"{module}.__main__")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.startswith("wemgan") and _file(name).exists()}


def _file(module: str) -> Path:
    place = PACKAGE.parent.joinpath(*module.split("."))
    return place / "__init__.py" if place.is_dir() else place.with_suffix(".py")

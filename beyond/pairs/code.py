"""The project's own code: what a worker is sent, and a digest of what computes a result.

code = sources()                      # {"beyond/pairs/pairs.py": b"...", ...}
name, content = packed(code)
digest(code, "beyond.pairs.pairs")
"""

import ast
import hashlib
import io
import zipfile

from common import ROOT

# Imported, but no number depends on it.
PLUMBING = ("common.cli", "beyond.pairs.cluster", "beyond.pairs.code")


def sources(folder=ROOT):
    """The modules in a folder and in the packages below it: {path from the root: bytes}."""
    found = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in folder.glob("*.py")}
    for package in folder.glob("*/__init__.py"):
        found |= sources(package.parent)
    return found


def packed(code):
    """A zip of the code: a name that is made of its content, and its bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(code):
            archive.writestr(zipfile.ZipInfo(path), code[path])
    return f"project-{hashlib.sha256(buffer.getvalue()).hexdigest()}.zip", buffer.getvalue()


def digest(code, module):
    """SHA-256 of a module and of all that it imports of the project, without PLUMBING.

    Comments, docstrings and layout are left out, so that an edited sentence changes nothing. A
    string that is the name of a module counts as its import: common.lazy imports so.
    """
    paths = {path.removesuffix(".py").removesuffix("/__init__"): path for path in code}
    trees, waiting = {}, [module]
    while waiting:
        name = waiting.pop()
        path = paths.get(str(name).replace(".", "/"))
        if path is None or name in trees or name in PLUMBING:
            continue
        trees[name] = ast.parse(code[path])
        waiting.append(name.rpartition(".")[0])  # its package is imported first
        for node in ast.walk(trees[name]):
            if isinstance(node, ast.Import):
                waiting += [it.name for it in node.names]
            elif isinstance(node, ast.ImportFrom):
                waiting += [node.module, *(f"{node.module}.{it.name}" for it in node.names)]
            elif isinstance(node, ast.Constant):
                waiting.append(node.value)
            elif isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                node.body = node.body[ast.get_docstring(node, clean=False) is not None :]
    text = "\n".join(f"{name} {ast.dump(trees[name])}" for name in sorted(trees))
    return hashlib.sha256(text.encode()).hexdigest()

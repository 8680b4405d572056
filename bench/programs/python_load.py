"""Python's own allocator and libc's: parses, prints again and compiles modules of the standard library, and goes through JSON."""

import ast
import json
import pathlib
import sys

checksum = 0
modules = sorted(pathlib.Path(ast.__file__).parent.glob("*.py"))[: int(sys.argv[1])]
for module in modules:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    text = ast.unparse(tree)
    code = compile(text, str(module), "exec")
    rows = json.loads(json.dumps([text.split("\n"), {"names": code.co_names}]))
    checksum = (checksum * 31 + len(rows[0]) + len(code.co_consts)) % 1_000_003
print(f"result modules={len(modules)} checksum={checksum}")

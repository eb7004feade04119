"""What the import contracts in pyproject.toml cannot say."""

import ast
import re
import tomllib

from tests.support.repository import ROOT, SOURCE, modules, tree_of

WALL = {"bootstrap.py": "WallClock fulfils the port", "domain/ids.py": "a UUIDv7 holds the time of its making"}
"""Who may read the wall's time. Measuring how long something takes (`monotonic`, `perf_counter`) is another thing."""

ENVIRONMENT = {
    "storage/embedded.py": "hands LD_LIBRARY_PATH on to PostgreSQL; settings are read by pydantic-settings",
}

SQL = ("storage/", "networks/google/emulator/memory/", "networks/meta/emulator/memory/")
SQL_ELSEWHERE = {"workflows/engine.py": "asks PgQueuer's table whether a wake-up is queued"}

_STATEMENT = re.compile(
    r"^\s*(select\s|insert into\s|update\s+\w+(\.\w+)?\s+(\w+\s+)?set\s|delete from\s|with \w+ as \()"
)
_SQL_CLOCK = re.compile(r"\b(now\(\)|current_timestamp|clock_timestamp|localtimestamp)", re.IGNORECASE)


def inside(path):
    return path.relative_to(SOURCE).as_posix()


def calls(path):
    """Dotted names of what is called, such as `datetime.now`."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield f"{ast.unparse(node.func.value)}.{node.func.attr}"


def texts(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def documentation(path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node, clean=False)


def test_only_the_clock_reads_the_wall():
    reads = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns"}
    assert {inside(path) for path in modules() if reads & set(calls(path))} == WALL.keys()


def test_no_statement_reads_the_databases_clock():
    spoken = {inside(path): text for path in modules() for text in texts(path) if _SQL_CLOCK.search(text)}
    assert {name: text for name, text in spoken.items() if _STATEMENT.match(text.lower())} == {}


def test_sql_stands_in_storage():
    found = set()
    for path in modules():
        said = set(documentation(path))
        if any(_STATEMENT.match(text) for text in texts(path) if text not in said):
            found.add(inside(path))
    assert {name for name in found if not name.startswith(SQL)} == SQL_ELSEWHERE.keys()


def test_only_settings_read_the_environment():
    found = {
        inside(path)
        for path in modules()
        if any(name.startswith(("os.environ", "os.getenv")) or name == "os.getenv" for name in calls(path))
    }
    assert found == ENVIRONMENT.keys()


def test_no_handler_catches():
    """A handler lets errors pass to the surface, which renders them in the dialect of the path."""
    catching = []
    for path in (SOURCE / "dialects").rglob("*.py"):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.AsyncFunctionDef) and ast.unparse(node.args) == "services: Services, call: Call":
                catching += [node.name for inner in ast.walk(node) if isinstance(inner, ast.Try)]
    assert catching == []


def test_one_library_calls_out():
    """aiohttp (docs/decisions/0015); the command line, which is no service, has urllib."""
    others = {"httpx", "httpx2", "requests", "urllib3", "http.client"}
    imported = {
        (inside(path), name)
        for path in modules()
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name in others or name == "urllib.request"
    }
    assert imported == {("commands/client.py", "urllib.request")}


def contracts():
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return {contract["name"]: contract for contract in document["tool"]["importlinter"]["contracts"]}


def packages(folder):
    return {path.name for path in (SOURCE / folder).iterdir() if (path / "__init__.py").exists()}


def test_contracts_name_every_dialect():
    named = contracts()["Dialects do not know each other"]["modules"]
    assert set(named) == {f"tabard.dialects.{name}" for name in packages("dialects")}


def test_contracts_keep_every_emulator_apart():
    """Whatever a network's folder holds beside `wire` and the emulator is the client's."""
    for network in packages("networks") - {"emulation"}:
        clients = {path.stem for path in (SOURCE / "networks" / network).glob("*.py")} - {"__init__", "wire"}
        rules = [rule for rule in contracts().values() if rule.get("source_modules")]
        forbidden = next(r for r in rules if r["source_modules"] == [f"tabard.networks.{network}.emulator"])
        assert set(forbidden["forbidden_modules"]) == {f"tabard.networks.{network}.{name}" for name in clients}

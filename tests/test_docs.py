"""What the documentation says is so: tables against the code, links, names, and the README's calls against a server."""

from __future__ import annotations

import ast
import json
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import CheckConstraint, Index, Table, UniqueConstraint

import config
from app.core import contract
from app.core.errors import CODES, DomainError
from app.extensions import db
from tests.factories import Shop

pytestmark = [pytest.mark.one_database, pytest.mark.no_cover]

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Made at the first start, by `make bench`, and by whoever follows docs/adding-a-feature.md.
MADE_LATER = (
    "instance/development-secrets.env",
    "instance/files",
    "instance/mail",
    "instance/mail/",
    "app/blueprints/suppliers/",
    "tests/suppliers/",
)
STRONG = "a-secret-that-only-the-tests-have-0123456789"


def text_of(path: str | Path) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    return FENCE.sub("", text_of(page))


def named(page: Path) -> str:
    return str(page.relative_to(ROOT))


def section(page: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one of its level or above."""
    level = heading.partition(" ")[0]
    found = re.search(
        rf"^{re.escape(heading)}$(.*?)(?=^#{{1,{len(level)}}} |\Z)", text_of(page), re.MULTILINE | re.DOTALL
    )
    assert found is not None, f"{page} has no {heading}"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table, without its head."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


# ---- Settings ---------------------------------------------------------------------------------------------------------

SETTINGS = {row[0].strip("`"): row[1] for row in rows(section("README.md", "## Configuration"))}
TAKING_THE_ENVIRONMENT = ("within", "seconds", "web_address")
LITERAL = re.compile(r"`([^`]*)`(?:, (in production|with Redis) `([^`]*)`)?")
OTHERS = {
    "true": "false", "false": "true", "Strict": "Lax", "0": "1", "development": "testing", "default": "strict",
    "http://localhost:5173": "https://shop.example.com", "http://127.0.0.1:5000": "https://api.example.com",
    "INFO": "DEBUG", "starttls": "tls", "database": "folder", "1,5,30,120,720": "1,2", "15": "20",
}  # fmt: skip


def names_read(path: str, readers: tuple[str, ...]) -> set[str]:
    """Return the settings that a file asks for: `env.str("NAME")`, `within(env, "NAME", ...)`, `setting("NAME")`.

    A name made up is NAME_<NAME>.
    """
    found = set()
    for node in ast.walk(ast.parse(text_of(path))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        reader = node.func.value if isinstance(node.func, ast.Attribute) else node.func
        if isinstance(reader, ast.Name) and reader.id in readers:
            first = node.args[reader.id in TAKING_THE_ENVIRONMENT]
            if isinstance(first, ast.Constant):
                found.add(str(first.value))
            elif isinstance(first, ast.JoinedStr) and isinstance(first.values[0], ast.Constant):
                found.add(f"{first.values[0].value}<NAME>")
    return found


def test_the_readme_has_every_setting_and_no_other() -> None:
    read = names_read("config.py", ("env", *TAKING_THE_ENVIRONMENT)) | names_read(
        "gunicorn.conf.py", ("setting", "whole_number")
    )

    assert len(read) > 25
    assert set(SETTINGS) == read


def test_the_template_of_the_environment_knows_no_setting_that_the_readme_has_not() -> None:
    template = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text_of(".env.example"), re.MULTILINE))
    families = tuple(name.removesuffix("<NAME>") for name in SETTINGS if name.endswith("<NAME>"))

    strange = {name for name in template - set(SETTINGS) if not name.startswith(families)}

    assert strange == set()


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment in which nothing is set, away from this checkout's `.env` and secrets."""
    for name in [
        name for name in os.environ if name in SETTINGS or name.startswith(("RATE_LIMIT_", "CACHE_SECONDS_"))
    ]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(config, "ROOT", tmp_path)
    monkeypatch.setattr(config, "INSTANCE", tmp_path / "instance")
    shutil.copy(ROOT / "gunicorn.conf.py", tmp_path)
    return monkeypatch


def settings_seen() -> dict[str, Any]:
    """Return what the application and gunicorn make of the environment as it is now."""
    server = runpy.run_path(str(config.ROOT / "gunicorn.conf.py"))
    plain = {name: value for name, value in server.items() if type(value) in (str, int, bool, type(None))}
    return {"server": plain, **vars(config.configuration())}


def defaults() -> list[tuple[str, str, str]]:
    """Return the settings whose default is a value: (name, where, value)."""
    found = []
    for name, cell in SETTINGS.items():
        if match := LITERAL.fullmatch(cell):
            found += [(name, "", match[1])] + ([(name, match[2], match[3])] if match[2] else [])
    families = {"CACHE_SECONDS_<NAME>": config.CACHE_SECONDS}
    return [
        (name.replace("<NAME>", member.upper()), where, value)
        for name, where, value in found
        for member in families.get(name, [""])
    ]


def arrange(bare: pytest.MonkeyPatch, where: str) -> None:
    if where == "with Redis":
        bare.setenv("REDIS_URL", "redis://127.0.0.1:6379/0")
    if where == "in production":
        for name in ("SECRET_KEY", "ENCRYPTION_KEYS", "BLIND_INDEX_KEY"):
            bare.setenv(name, STRONG)
        bare.setenv("DATABASE_URL", "sqlite://")
        bare.setenv("APP_ENV", "production")


@pytest.mark.parametrize(("name", "where", "value"), defaults())
def test_a_default_is_what_the_readme_says(
    bare: pytest.MonkeyPatch, name: str, where: str, value: str
) -> None:
    arrange(bare, where)
    unset = settings_seen()

    bare.setenv(name, value)
    same = settings_seen()

    assert same == unset


@pytest.mark.parametrize(
    ("name", "where", "value"), [default for default in defaults() if default != ("WEB_CONCURRENCY", "", "1")]
)
def test_another_value_than_the_default_makes_a_difference(
    bare: pytest.MonkeyPatch, name: str, where: str, value: str
) -> None:
    arrange(bare, where)
    unset = settings_seen()

    bare.setenv(name, OTHERS[value] if value in OTHERS else str(int(value) + 1))
    other = settings_seen()

    assert other != unset


def test_a_default_in_words_is_one_that_has_no_value() -> None:
    in_words = {name for name, cell in SETTINGS.items() if not LITERAL.fullmatch(cell)}

    assert in_words == {
        "FLASK_ENV", "SECRET_KEY", "TOKEN_KEYS", "ENCRYPTION_KEYS", "BLIND_INDEX_KEY", "DATABASE_URL", "DB_ROLE", "REDIS_URL",
        "CORS_ORIGINS", "RATE_LIMIT_<NAME>", "FORWARDED_ALLOW_IPS", "SHOW_WELCOME", "WELCOME_NOTE", "MAIL_FROM",
        "PUBLIC_URL", "SMTP_HOST", "SMTP_PORT", "SMTP_USERNAME", "SMTP_PASSWORD", "BREVO_API_KEY",
        "S3_BUCKET", "S3_REGION", "S3_ENDPOINT", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY",
    }  # fmt: skip


def test_the_readme_has_every_rate_limit_of_both_profiles() -> None:
    told = {
        name.strip("`"): (ours.strip("`"), strict.strip("`"))
        for name, ours, strict, _ in rows(section("README.md", "## Rate limits"))
    }

    assert told == config.RATE_LIMITS


def test_the_readme_names_every_cache_lifetime() -> None:
    told = next(
        line for line in section("README.md", "## Configuration").splitlines() if "CACHE_SECONDS_" in line
    )

    assert set(re.findall(r"`([A-Z_]+)`", told)) == {name.upper() for name in config.CACHE_SECONDS}


# ---- Errors -----------------------------------------------------------------------------------------------------------


def refusals(kind: type[DomainError] = DomainError) -> Iterator[type[DomainError]]:
    """Yield the application's refusals; those that tests make up stay out."""
    for deeper in (kind, *kind.__subclasses__()):
        if deeper is kind and kind.__module__.startswith("app."):
            yield kind
        elif deeper is not kind:
            yield from refusals(deeper)


def codes() -> dict[str, str]:
    """Return the status of each code; `error` stands for any that has none of its own."""
    own = {code: str(status) for status, (code, _) in CODES.items()}
    return own | {kind.code: str(kind.status) for kind in refusals()} | {"error": "any"}


def test_the_table_of_errors_has_every_code_with_its_status(app: Flask) -> None:
    table = rows(section("docs/errors.md", "# Errors"))
    told = {cells[0].strip("`"): cells[1] for cells in table}

    assert told == codes()
    assert len(table) == len(told)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_code_that_is_mentioned_exists_with_its_status(app: Flask, page: Path) -> None:
    mentioned = set(re.findall(r"\b([45]\d\d) `([a-z][a-z_]+)`", prose_of(page)))

    strange = {(status, code) for status, code in mentioned if codes().get(code) != status}

    assert strange == set()


def test_a_wrong_element_of_a_list_is_named_by_its_place_as_the_page_says(shop: Shop) -> None:
    lines = [{"item_id": shop.make_part().id, "quantity": 0}]

    answer = shop.owner.post(f"/service_tickets/{shop.make_ticket()['id']}/inventory", json=lines)

    assert answer.status_code == 400
    assert list(answer.json["errors"]) == ["lines.0.quantity"]
    assert '{"lines.0.quantity": ["..."]}' in text_of("docs/errors.md")


# ---- The data model ---------------------------------------------------------------------------------------------------


def guarantees(table: Table) -> Iterator[str]:
    """Yield the names of what a table guarantees, as the page writes them."""
    checks = (c for c in table.constraints if isinstance(c, CheckConstraint))
    uniques: list[UniqueConstraint | Index] = [
        c
        for c in table.constraints
        if isinstance(c, UniqueConstraint) and c.columns.keys() != ["workshop_id", "id"]
    ]
    uniques += [index for index in table.indexes if index.unique]
    for check in checks:
        yield str(check.name).removeprefix(f"ck_{table.name}_")
    for unique in uniques:
        yield str(unique.name).removeprefix(f"uq_{table.name}_")


def test_the_data_model_has_every_table_with_all_it_guarantees(app: Flask) -> None:
    page = text_of("docs/data-model.md")
    headed = re.findall(r"^## `(\w+)`$", page, re.MULTILINE)

    missing = {
        f"{table.name}: {name}"
        for table in db.metadata.tables.values()
        for name in guarantees(table)
        if f"`{name}`" not in section("docs/data-model.md", f"## `{table.name}`")
    }

    assert sorted(headed) == sorted(db.metadata.tables)
    assert missing == set()


# ---- Links and names --------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose_of(page))

    dead = []
    for link in links:
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        if re.match(r"https?://", link):
            continue
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)

    assert dead == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_file_that_is_named_exists(page: Path) -> None:
    folders = r"app|tests|docs|bench|migrations|postman|instance|\.ci|\.github"
    files = re.findall(rf"`((?:{folders})/[\w./-]*|[\w-]+\.(?:py|toml|yaml|in|md|txt))`", prose_of(page))
    places = [ROOT, ROOT / "app" / "static", *(ROOT / "app" / "blueprints").iterdir()]

    lost = [
        name
        for name in files
        if name not in MADE_LATER and not any((place / name).exists() for place in places)
    ]

    assert lost == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_target_and_command_that_is_named_exists(app: Flask, page: Path) -> None:
    text = text_of(page)
    targets = set(re.findall(r"^([a-z]+):.*##", text_of("Makefile"), re.MULTILINE))
    quoted = "\n".join(re.findall(r"`([^`\n]+)`", prose_of(page)) + [body for _, body in FENCE.findall(text)])

    made = set(re.findall(r"^(?:[A-Z]+=\S+ )*make ([a-z]+)", quoted, re.MULTILINE))
    run = set(re.findall(r"flask --app flask_app ([a-z-]+)", quoted))

    assert made <= targets
    assert run <= set(app.cli.commands)


def test_decisions_are_numbered_without_a_gap_and_have_the_same_parts() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    index = text_of("docs/decisions/README.md")

    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = text_of(page)
        assert text.startswith(f"# {page.name[:4]} ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
        title = text.splitlines()[0].removeprefix(f"# {page.name[:4]} ")
        assert f"- [{page.name[:4]}]({page.name}) {title}" in index


def test_the_changelog_knows_the_present_version() -> None:
    versions = re.findall(
        r"^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d\d-\d\d$", text_of("CHANGELOG.md"), re.MULTILINE
    )

    assert versions[0] == config.Config.API_VERSION


# ---- The README's calls -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server as `make run` starts it, with a small demo shop, on a port of its own."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **{name: value for name, value in os.environ.items() if name not in SETTINGS},
        "APP_ENV": "development", "DATABASE_URL": f"sqlite:///{folder / 'shop.db'}", "REDIS_URL": "",
        "SECRET_KEY": STRONG, "ENCRYPTION_KEYS": STRONG, "BLIND_INDEX_KEY": STRONG, "PORT": str(port),
    }  # fmt: skip
    flask = [sys.executable, "-m", "flask", "--app", "flask_app"]
    for command in (["db", "upgrade"], ["demo", "--tickets", "60"]):
        subprocess.run(
            [*flask, *command], cwd=ROOT, env=environment, check=True, capture_output=True, timeout=120
        )
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "flask_app:app"],
            cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/readyz", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=40)


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until the server answers."""
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    pytest.fail(f"The server did not start:\n{log.read_text(encoding='utf-8', errors='replace')}")


def shape(value: Any) -> Any:
    """Return what a JSON value is like: its names and types; of a list the first element."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return (
        "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__
    )


def agree(told: Any, got: Any) -> bool:
    """Tell whether two shapes are alike; an empty list is like any."""
    if isinstance(told, dict) and isinstance(got, dict):
        return list(told) == list(got) and all(agree(told[name], got[name]) for name in told)
    if isinstance(told, list) and isinstance(got, list):
        return not told or not got or agree(told[0], got[0])
    return bool(told == got)


@pytest.mark.skipif(
    shutil.which("bash") is None or shutil.which("curl") is None, reason="needs bash and curl"
)
def test_the_first_calls_of_the_readme_answer_as_it_says(server: str) -> None:
    blocks = FENCE.findall(section("README.md", "## First calls"))
    calls = [body for language, body in blocks if language == "bash"]
    mark = "---- next ----"
    script = f"\necho; echo '{mark}'\n".join(calls).replace("http://localhost:5000", server)
    script = script.replace("python3 -c", f"'{sys.executable}' -c")

    ran = subprocess.run(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ran.returncode == 0, ran.stderr
    outputs = iter(output.strip() for output in ran.stdout.split(mark))
    checked = 0
    got = ""
    for language, body in blocks:
        if language == "bash":
            got = next(outputs)
        elif language == "json":
            assert agree(shape(json.loads(body)), shape(json.loads(got))), got
            checked += 1
        else:
            assert got == body.strip()
            checked += 1
    assert checked == sum(language != "bash" for language, _ in blocks) > 5


def test_the_feature_that_is_shown_being_added_is_declared_by_what_there_is() -> None:
    view = next(
        code for _, code in FENCE.findall(text_of("docs/adding-a-feature.md")) if code.startswith("@bp")
    )

    declared = re.findall(r"^@(?!bp\.)(\w+)", view, re.MULTILINE)

    assert len(declared) > 2
    assert [name for name in declared if not hasattr(contract, name)] == []

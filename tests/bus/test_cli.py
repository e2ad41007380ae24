"""The commands as a user types them: what they print in both forms and both languages, what they change, exit codes."""

from __future__ import annotations

import getpass
import json
import re
import shutil
import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
import typer
from typer.testing import CliRunner, Result

import lgsp as lgsp_package
from lgsp.canonical.events import Event, PaymentCreated, PaymentTold, Witness
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.cli.dossier import _facts
from lgsp.cli.main import make
from lgsp.cli.words import advice
from lgsp.clock import FixedClock
from lgsp.ledger.types import Inbound, State
from lgsp.ledger.views import Story
from lgsp.ledger.work import Work
from lgsp.lock import OneOnly
from lgsp.store.engine import Store
from tests.support.filled import CITIZEN, NUMBER, A, B, C, D, Filled, fill, settings
from tests.support.ledgers import ledger

SECRETS = {"LINK": "l" * 32, "TOKEN": "t" * 32}
CLEAN: Mapping[str, str | None] = {
    "LGSP_LANG": None,
    "LC_ALL": None,
    "LANG": "C.UTF-8",
    "LGSP_CONFIG": None,
    "COLUMNS": None,
}


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    return anyio.run(fill, tmp_path_factory.mktemp("filled"))


@pytest.fixture
def filled(once: Filled, tmp_path: Path) -> Filled:
    shutil.copy(once.config.parent / "lgsp.db", tmp_path / "lgsp.db")
    return replace(once, config=settings(tmp_path))


def lgsp(*args: object, file: Path | str | None = None, answer: str = "", **env: str) -> Result:
    config = ["--config", str(file)] if file else []
    words = [str(arg) for arg in args]
    return CliRunner().invoke(
        make(), [*words[:1], *config, *words[1:]], input=answer, env={**CLEAN, **env}, prog_name="lgsp"
    )


def document(result: Result) -> dict[str, Any]:
    told = json.loads(result.stdout)
    assert isinstance(told, dict)
    return told


def audited(filled: Filled) -> list[tuple[str, str, str, str]]:
    async def read() -> list[tuple[str, str, str, str]]:
        store = Store(f"sqlite:///{filled.config.parent}/lgsp.db")
        try:
            return [row[1:] for row in await Work(store, lambda: 0, "test").audited()]
        finally:
            await store.close()

    return anyio.run(read)


def state_of(filled: Filled, number: int) -> str:
    return str(document(lgsp("show", number, "--delivery", "--json", file=filled.config))["delivery"]["state"])


# What there is to see


def test_status_tells_what_waits_and_that_a_person_is_needed(filled: Filled) -> None:
    result = lgsp("status", file=filled.config)
    assert result.exit_code == 1
    assert "1 waiting, 2 parked" in result.stdout
    assert "npsp: 2 parked: lgsp parked --system npsp" in result.stdout
    assert "3 deliveries are open and no daemon works" in result.stdout
    assert "connection refused" in result.stdout


def test_status_as_json(filled: Filled) -> None:
    told = document(lgsp("status", "--json", file=filled.config))
    [npsp] = told["systems"]
    assert npsp["deliveries"] == {"ready": 0, "leased": 0, "waiting": 1, "unknown": 0, "parked": 2, "held": 0}
    assert [w["alive"] for w in told["workers"]] == [False]
    assert len(told["findings"]) == 2


def test_status_of_a_fresh_database_is_fine(tmp_path: Path) -> None:
    file = settings(tmp_path)
    assert lgsp("db", "upgrade", "--config", file).exit_code == 0
    result = lgsp("status", file=file)
    assert (result.exit_code, "nothing has been delivered yet" in result.stdout) == (0, True)


@pytest.mark.parametrize("code", [A, C])
def test_a_dossier_tells_its_story_in_order_of_time(filled: Filled, code: str) -> None:
    result = lgsp("dossier", code, file=filled.config)
    assert result.exit_code == 0
    times = re.findall(r"\d\d:\d\d:\d\d\.\d{3}", result.stdout)
    assert times == sorted(times)
    assert len(times) >= 6
    assert "received" in result.stdout
    assert f"code at onestop  {code}" in result.stdout


def test_a_dossier_as_json_has_every_part_of_the_story(filled: Filled) -> None:
    told = document(lgsp("dossier", A, "--json", file=filled.config))
    assert [line["kind"] for line in told["timeline"]] == ["in", "event", "event", "delivery", "out", "delivery"]
    assert [line["outcome"] for line in told["timeline"]][-3:] == ["created", "answered", "done"]
    assert told["identities"] == {"onestop": A}
    assert told["truth"]["status"] == "received"


def test_what_is_not_ended_says_why(filled: Filled) -> None:
    assert "it may have happened" in lgsp("dossier", C, file=filled.config).stdout


@pytest.mark.parametrize("json_", [[], ["--json"]], ids=["text", "json"])
def test_citizens_data_stays_off_the_screen(filled: Filled, json_: list[str]) -> None:
    seen = [
        lgsp("dossier", A, *json_, file=filled.config),
        lgsp("show", filled.exchange, *json_, file=filled.config),
        lgsp("show", filled.inbound, *json_, file=filled.config),
        lgsp("parked", *json_, file=filled.config),
        lgsp("show", filled.missing_code, "--delivery", *json_, file=filled.config),
        lgsp("exchanges", *json_, file=filled.config),
    ]
    for result in seen:
        assert result.exit_code == 0
        assert CITIZEN not in result.output
        assert NUMBER not in result.output
        assert "0905123456" not in result.output
    assert "N*** V*** M***" in seen[0].stdout
    assert "20261008090100" in seen[1].stdout, "a time of 14 digits is no person's number"


def test_raw_writes_the_exact_bytes(filled: Filled, tmp_path: Path) -> None:
    result = lgsp("show", filled.exchange, "--raw", "--part", "request", file=filled.config)
    assert json.loads(result.stdout_bytes)["MaDoiTuong"] == NUMBER
    file = tmp_path / "answer.json"
    result = lgsp("show", filled.exchange, "--raw", "--out", file, file=filled.config)
    assert (result.stdout, file.read_bytes()) == ("", b'{"error_code":"0","message":"OK"}')
    told = document(lgsp("show", filled.exchange, "--raw", "--json", file=filled.config))
    assert (told["format"], NUMBER in json.dumps(told), "masked" in told) == (1, True, False)


def test_an_exchange_that_is_not_over_says_so(filled: Filled) -> None:
    assert "none yet" in lgsp("show", filled.open_exchange, file=filled.config).stdout
    result = lgsp("show", filled.open_exchange, "--raw", file=filled.config)
    assert (result.exit_code, "no answer yet" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("options", "count"),
    [
        pytest.param([], 6, id="all"),
        pytest.param(["--system", "npsp"], 2, id="system"),
        pytest.param(["--dossier", C], 2, id="dossier"),
        pytest.param(["--delivery", "1"], 1, id="delivery"),
        pytest.param(["--since", "1h"], 0, id="since an hour"),
        pytest.param(["--since", "1d"], 6, id="since a day"),
        pytest.param(["--since", "2026-01-01"], 6, id="since a date"),
        pytest.param(["--limit", "4"], 4, id="limit"),
    ],
)
def test_exchanges_are_chosen(filled: Filled, options: list[str], count: int) -> None:
    told = document(lgsp("exchanges", "--json", *options, file=filled.config))
    assert len(told["exchanges"]) == count
    assert told["more"] is (options[:1] == ["--limit"])
    ids = [one["id"] for one in told["exchanges"]]
    assert ids == sorted(ids, reverse=True)
    text = lgsp("exchanges", *options, file=filled.config).stdout
    assert all(one in text for one in ids)


def test_parked_groups_by_cause_and_says_what_to_do(filled: Filled) -> None:
    result = lgsp("parked", file=filled.config)
    assert result.exit_code == 0
    assert "1 x code:procedures:9.999 at npsp" in result.stdout
    assert "add a row for 9.999 to procedures.csv" in result.stdout
    assert "look at npsp whether it happened" in result.stdout
    told = document(lgsp("parked", "--cause", "code:procedures:9.999", "--json", file=filled.config))
    [cause] = told["causes"]
    assert [item["dossier"] for item in cause["items"]] == [B]
    assert "nothing waits" in lgsp("parked", "--system", "onestop", file=filled.config).stdout


# What an operator decides


def test_release_asks_first_and_does_nothing_on_no(filled: Filled) -> None:
    for answer in ("n\n", ""):
        result = lgsp("release", filled.missing_code, file=filled.config, answer=answer)
        assert (result.exit_code, "nothing was changed" in result.stdout) == (1, True)
    assert state_of(filled, filled.missing_code) == "parked"
    assert audited(filled) == []


def test_release_on_yes_is_audited_with_the_persons_name(filled: Filled) -> None:
    result = lgsp("release", filled.missing_code, "--reason", "row added", file=filled.config, answer="y\n")
    assert (result.exit_code, "done: 1" in result.stdout) == (0, True)
    assert state_of(filled, filled.missing_code) == "ready"
    [(who, action, target, reason)] = audited(filled)
    assert (action, target, reason) == ("release", str(filled.missing_code), "row added")
    assert getpass.getuser() in who


def test_release_warns_of_what_may_have_happened(filled: Filled) -> None:
    result = lgsp("release", filled.doubtful, file=filled.config)
    assert "an earlier try may have happened: be sure that npsp does not have it" in result.stdout


def test_release_by_cause(filled: Filled) -> None:
    told = document(lgsp("release", "--cause", "code:procedures:9.999", "--yes", "--json", file=filled.config))
    assert told["done"] == [filled.missing_code]
    result = lgsp("release", "--cause", "nothing", "--yes", file=filled.config)
    assert (result.exit_code, "known causes: unknown:npsp:update_progress" in result.stderr) == (1, True)


def test_json_without_yes_is_the_plan_alone(filled: Filled) -> None:
    result = lgsp("discard", filled.missing_code, "--reason", "test", "--json", file=filled.config)
    told = document(result)
    assert (result.exit_code, told["done"], told["plan"][0]["possible"]) == (0, [], True)
    assert state_of(filled, filled.missing_code) == "parked"


def test_discard_wants_a_reason_and_keeps_it(filled: Filled) -> None:
    result = lgsp("discard", filled.missing_code, "--yes", file=filled.config)
    assert (result.exit_code, "--reason is missing" in result.stderr) == (2, True)
    assert lgsp("discard", filled.missing_code, "--yes", "--reason", " ", file=filled.config).exit_code == 2
    assert lgsp("discard", filled.missing_code, "--yes", "--reason", "a test", file=filled.config).exit_code == 0
    assert state_of(filled, filled.missing_code) == "discarded"
    assert audited(filled)[0][1:] == ("discard", str(filled.missing_code), "a test")


def test_resend_makes_a_linked_delivery_of_what_has_ended(filled: Filled) -> None:
    result = lgsp("resend", filled.done, "--yes", file=filled.config)
    assert (result.exit_code, "whole state, as known now" in result.stdout) == (0, True)
    told = document(lgsp("dossier", A, "--json", file=filled.config))
    assert told["deliveries"][-1]["resend_of"] == filled.done


def test_what_cannot_be_done_is_told_and_the_rest_is_done(filled: Filled) -> None:
    result = lgsp("release", filled.missing_code, filled.done, 999, "--yes", file=filled.config)
    assert result.exit_code == 1
    assert "cannot: it is done" in result.stdout
    assert "cannot: there is no such delivery" in result.stdout
    assert state_of(filled, filled.missing_code) == "ready"


def test_hold_and_resume_a_system(filled: Filled) -> None:
    assert lgsp("hold", "npsp", "--reason", "maintenance", file=filled.config).exit_code == 0
    status = lgsp("status", file=filled.config)
    assert re.search(r"on hold by \S+.*: maintenance", status.stdout)
    [told] = document(lgsp("status", "--json", file=filled.config))["systems"]
    assert told["state"] == "held"
    assert document(lgsp("resume", "npsp", "--json", file=filled.config))["was_held"] is True
    assert document(lgsp("resume", "npsp", "--json", file=filled.config))["was_held"] is False
    assert [row[1] for row in audited(filled)] == ["resume_system", "resume_system", "hold_system"]


def test_hold_one_delivery_shows_it_among_the_parked(filled: Filled) -> None:
    waiting = next(
        one["id"]
        for one in document(lgsp("dossier", D, "--json", file=filled.config))["deliveries"]
        if one["state"] == "waiting"
    )
    result = lgsp("hold", "--delivery", waiting, "--reason", "asked by the agency", file=filled.config)
    assert (result.exit_code, f"`lgsp release {waiting}`" in result.stdout) == (0, True)
    assert "Set aside by an operator" in lgsp("parked", file=filled.config).stdout
    assert lgsp("hold", "--delivery", filled.done, "--reason", "x", file=filled.config).exit_code == 1


# What goes wrong


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        pytest.param(["dossier", "H21.14-261008-0009"], 1, "did you mean H21.14-261008-000", id="unknown dossier"),
        pytest.param(["exchanges", "--dossier", "X"], 1, "no system has told of a dossier X", id="nothing near"),
        pytest.param(["show", "1"], 1, "lgsp show 1 --delivery", id="a delivery's number"),
        pytest.param(["show", "77"], 1, "there is no exchange 77", id="unknown exchange"),
        pytest.param(["show", "77", "--delivery"], 1, "there is no delivery 77", id="unknown delivery"),
        pytest.param(["show", "1", "--part", "head"], 2, "--part is request or answer", id="wrong part"),
        pytest.param(["show", "one"], 2, "ID must be a valid integer", id="no number"),
        pytest.param(["show"], 2, "ID is missing", id="no argument"),
        pytest.param(["exchanges", "--since", "soon"], 2, "--since soon: write 30m", id="no time"),
        pytest.param(["exchanges", "--limit", "0"], 2, "--limit must be greater than", id="limit"),
        pytest.param(["release"], 2, "name at least one delivery", id="nothing to release"),
        pytest.param(["release", "1", "--cause", "x"], 2, "not both", id="numbers and cause"),
        pytest.param(["hold", "nps", "--reason", "x"], 1, "did you mean npsp?", id="unknown system"),
        pytest.param(["hold", "--reason", "x"], 2, "one of the two", id="nothing to hold"),
        pytest.param(["hold", "npsp"], 2, "--reason is missing", id="hold without reason"),
        pytest.param(["status", "--jsn"], 2, "did you mean --json?", id="option"),
        pytest.param(["statsu"], 2, "did you mean status?", id="command"),
    ],
)
def test_a_mistake_is_told_with_a_way_out(filled: Filled, words: list[str], code: int, told: str) -> None:
    result = lgsp(*words, LGSP_CONFIG=str(filled.config))
    assert (result.exit_code, told in result.stderr, result.stdout) == (code, True, "")
    assert "Traceback" not in result.output
    as_json = lgsp(*words, "--json", LGSP_CONFIG=str(filled.config))
    assert (as_json.exit_code, document(as_json)["exit"]) == (code, code)


def test_a_missing_settings_file(tmp_path: Path) -> None:
    result = lgsp("status", file=tmp_path / "no.toml")
    assert (result.exit_code, "lgsp config example" in result.stderr) == (2, True)


def test_all_mistakes_of_the_settings_at_once(filled: Filled) -> None:
    text = (
        filled.config.read_text().replace("port = 0", "port = 99999\nprot = 1")
        + 'adress = "http://x"\n[systems.nspp]\n'
    )
    filled.config.write_text(text)
    result = lgsp("config", "check", "--config", filled.config, **SECRETS)
    assert result.exit_code == 2
    for told in ("server.port", "server.prot", "systems.onestop.adress", "systems.nspp", "did you mean npsp?"):
        assert told in result.stderr
    assert len(document(lgsp("config", "check", "--json", "--config", filled.config, **SECRETS))["details"]) == 4


def test_no_database_yet_is_told_and_none_is_made(tmp_path: Path) -> None:
    file = settings(tmp_path)
    result = lgsp("status", file=file)
    assert (result.exit_code, "lgsp db upgrade" in result.stderr) == (3, True)
    assert not (tmp_path / "lgsp.db").exists()


def test_a_database_that_is_none(filled: Filled) -> None:
    for file in filled.config.parent.glob("lgsp.db*"):
        file.unlink()
    (filled.config.parent / "lgsp.db").write_bytes(b"no database at all, but long enough to be looked at" * 40)
    result = lgsp("status", file=filled.config)
    assert (result.exit_code, "the database cannot be used" in result.stderr) == (3, True)
    assert "Traceback" not in result.output


def test_a_newer_schema_is_not_written_to(filled: Filled) -> None:
    with sqlite3.connect(filled.config.parent / "lgsp.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '9999'")
    result = lgsp("release", filled.missing_code, "--yes", file=filled.config)
    assert (result.exit_code, "9999" in result.stderr) == (3, True)


# Settings, database, help, language


def test_db_upgrade_makes_and_then_leaves_alone(tmp_path: Path) -> None:
    file = settings(tmp_path)
    first, again = (document(lgsp("db", "upgrade", "--json", "--config", file)) for _ in range(2))
    assert (first["before"], first["changed"], again["changed"]) == (None, True, False)
    assert first["after"] == again["before"] == again["after"]


def test_db_upgrade_waits_for_no_running_daemon(filled: Filled) -> None:
    with OneOnly(str(filled.config.parent / "lgsp.db")):
        result = lgsp("db", "upgrade", "--config", filled.config)
    assert (result.exit_code, "stop it first" in result.stderr) == (2, True)


def test_config_check_of_good_settings(filled: Filled) -> None:
    result = lgsp("config", "check", "--config", filled.config, **SECRETS)
    assert (result.exit_code, "no mistakes; systems: onestop" in result.stdout) == (0, True)
    assert document(lgsp("config", "check", "--json", "--config", filled.config, **SECRETS))["systems"] == ["onestop"]


def test_a_secret_in_the_file_is_a_finding(filled: Filled) -> None:
    filled.config.write_text(filled.config.read_text().replace('{ env = "LINK" }', f'"{"l" * 32}"'))
    result = lgsp("config", "check", "--config", filled.config, **SECRETS)
    assert (result.exit_code, "server.link_secret: the secret stands in the file" in result.stdout) == (1, True)


def test_a_look_into_the_store_needs_no_secret(filled: Filled) -> None:
    assert lgsp("parked", file=filled.config).exit_code == 0


@pytest.mark.parametrize("place", ["before", "after"])
def test_common_options_stand_before_or_after_the_command(filled: Filled, place: str) -> None:
    options = ["--json", "--config", str(filled.config)]
    words = [*options, "parked"] if place == "before" else ["parked", *options]
    result = CliRunner().invoke(make(), words, env=CLEAN)
    assert len(document(result)["causes"]) == 2


@pytest.mark.parametrize(
    ("words", "env", "told"),
    [
        pytest.param(["status", "--lang", "vi"], {}, "Các hệ thống", id="option"),
        pytest.param(["--lang", "vi", "status"], {}, "Các hệ thống", id="option before"),
        pytest.param(["status"], {"LGSP_LANG": "vi"}, "Các hệ thống", id="environment"),
        pytest.param(["status"], {"LGSP_LOG__LANGUAGE": "vi", "LANG": "en_US"}, "Các hệ thống", id="setting"),
        pytest.param(["status", "--lang", "en"], {"LGSP_LANG": "vi"}, "Systems", id="option first"),
        pytest.param(["parked"], {"LANG": "vi_VN.UTF-8"}, "thêm dòng cho 9.999 vào procedures.csv", id="locale"),
        pytest.param(["dossier", A], {"LGSP_LANG": "vi"}, "được tiếp nhận", id="status of a dossier"),
        pytest.param(["--help"], {"LGSP_LANG": "vi"}, "Cách dùng: lgsp", id="help"),
        pytest.param(
            ["release", "--help"], {"LGSP_LANG": "vi"}, "Vì sao: được ghi vào nhật ký", id="help of a command"
        ),
        pytest.param(["--lang", "vi", "--help"], {}, "Tùy chọn:", id="help by option"),
    ],
)
def test_both_languages(filled: Filled, words: list[str], env: dict[str, str], told: str) -> None:
    result = lgsp(*words, LGSP_CONFIG=str(filled.config), **env)
    assert told in result.stdout


def test_errors_speak_vietnamese_too(filled: Filled) -> None:
    result = lgsp("dossier", "H21.14-261008-0009", "--lang", "vi", file=filled.config)
    assert "chưa hệ thống nào báo về hồ sơ H21.14-261008-0009" in result.stderr
    assert "không có lệnh statsu" in lgsp("statsu", LGSP_LANG="vi").stderr


def test_help_names_every_command_and_json() -> None:
    result = lgsp("--help")
    commands = "run demo mocks status dossier exchanges show parked resend release discard hold resume doctor config db"
    assert all(f"\n  {name} " in result.stdout for name in commands.split())
    for name in commands.split():
        if name not in ("mocks", "config", "db"):
            assert "--json" in lgsp(name, "--help").stdout
    assert lgsp().stdout == result.stdout


def test_version() -> None:
    assert re.fullmatch(r"lgsp \d+\.\d+\.\d+\n", lgsp("--version").stdout)
    assert document(lgsp("--version", "--json"))["version"]


def test_columns_are_kept_to(filled: Filled) -> None:
    for words in (["status"], ["parked"], ["dossier", A], ["exchanges"], ["--help"]):
        for language in ("vi", "en"):
            text = lgsp(*words, LGSP_CONFIG=str(filled.config), LGSP_LANG=language, COLUMNS="120").stdout
            assert max(map(len, text.splitlines())) <= 120


def test_the_handbook_names_every_command_option_and_state() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    app = typer.main.get_command(make())
    assert isinstance(app, typer.core.TyperGroup)
    found = dict(app.commands)
    for name, command in found.items():
        assert f"lgsp {name}" in text
        for below in getattr(command, "commands", ()):
            assert f"lgsp {name} {below}" in text
        for option in (opt for param in command.params for opt in param.opts if opt.startswith("--")):
            assert option in text, f"{name} {option}"
    assert all(f"| `{state.value}` |" in text for state in State)


def test_every_cause_the_bus_parks_on_has_advice_and_stands_in_the_handbook() -> None:
    text = (Path(__file__).parents[2] / "docs" / "operating.md").read_text(encoding="utf-8")
    package = Path(lgsp_package.__file__).parent
    sources = [p.read_text(encoding="utf-8") for p in package.rglob("*.py") if "cli" not in p.parts]
    causes = {m for source in sources for m in re.findall(r'cause=f?"(\w+)', source)} | {"code", "field"}
    assert len(causes) >= 9
    other = advice(str, "x", "nothing:known")
    for cause in causes:
        assert advice(str, "x", f"{cause}:a:b") != other, cause
        assert re.search(rf"\| `{cause}[`:]", text), cause


async def _paid(filled: Filled) -> None:
    """A's fee is paid at a platform, twice."""
    store = Store(f"sqlite:///{filled.config.parent}/lgsp.db")
    await store.start()
    clock = FixedClock()
    book = ledger(store, clock)
    attempt = Payment(platform="vnpay", reference="R1", amount=Decimal(50_000), created_at=clock.now())
    events = [
        Event(
            type="payment.created",
            source="onestop",
            source_id=f"c{name}",
            dossier=A,
            occurred_at=clock.now(),
            body=PaymentCreated(payment=attempt.with_(reference=name)),
        )
        for name in ("R1", "R2")
    ]
    words = [
        Event(
            type="payment.told", source="vnpay", source_id=f"t{name}", occurred_at=clock.now(),
            body=PaymentTold(platform="vnpay", reference=name, state=PaymentState.PAID, amount=Decimal(50_000),
                             witness=Witness.CALLBACK, transaction=f"T{name}"),
        )
        for name in ("R1", "R2")
    ]  # fmt: skip
    for event in (*events, *words):
        await book.accept(Inbound(event.source, "t", [event], event.source_id))
    await store.close()


def test_money_that_no_platform_sends_back_is_refused_and_nothing_is_asked(filled: Filled) -> None:
    anyio.run(_paid, filled)
    for section in ("", '\n[systems.bank_transfer]\nbank = "970436"\naccount = "1"\n'):
        filled.config.write_text(filled.config.read_text(encoding="utf-8") + section, encoding="utf-8")
        told = lgsp("refund", A, "--reason", "x", "--reference", "R1", "--yes", file=filled.config, **SECRETS)
        assert (told.exit_code, "vnpay sends no money back from here" in told.stderr) == (1, True)
    story = document(lgsp("dossier", A, "--json", file=filled.config))
    assert "refund.requested" not in [line["what"] for line in story["timeline"]]


def test_money_goes_back_after_a_plan(filled: Filled) -> None:
    anyio.run(_paid, filled)
    file = filled.config
    file.write_text(file.read_text(encoding="utf-8") + '\n[systems.vnpay]\nterminal = "TINHDVC1"\n', encoding="utf-8")
    refund = ["refund", A, "--reason", "nộp thừa"]
    several = lgsp(*refund, file=filled.config, **SECRETS)
    assert several.exit_code == 2
    assert "name one with --reference" in several.stderr
    assert "R1 (paid), R2 (paid)" in several.stderr
    too_much = lgsp(*refund, "--reference", "R2", "--amount", 50_001, file=filled.config, **SECRETS)
    assert (too_much.exit_code, "of 50.000 dong, 50.000 can go back" in too_much.stderr) == (2, True)
    plan = document(lgsp(*refund, "--reference", "R2", "--json", file=filled.config, **SECRETS))
    assert (plan["done"], plan["amount"], plan["platform"]) == (False, 50_000, "vnpay")
    done = document(
        lgsp(*refund, "--reference", "R2", "--amount", 20_000, "--yes", "--json", file=filled.config, **SECRETS)
    )
    assert (done["done"], done["amount"]) == (True, 20_000)
    story = document(lgsp("dossier", A, "--json", file=filled.config))
    assert [line["what"] for line in story["timeline"]].count("refund.requested") == 1
    shown = lgsp("dossier", A, file=filled.config).stdout
    assert "R2 at vnpay: 50.000 dong, paid" in shown
    nothing = lgsp("refund", B, "--reason", "x", file=filled.config, **SECRETS)
    assert (nothing.exit_code, "no payment of this dossier can go back" in nothing.stderr) == (1, True)
    assert lgsp(*refund, "--reference", "R1", file=filled.config, answer="n\n", **SECRETS).exit_code == 1


def test_parcels_and_checks_stand_in_a_dossier_s_facts() -> None:
    truth = {
        "shipments": [{"order": "O1", "carrier": "vnpost", "direction": "return", "state": "delivered",
                       "at": "2026-10-08T02:00:00Z"}],
        "checks": [{"registry": "population", "finding": "mismatch", "fields": ["name"],
                    "asked_at": "2026-10-08T02:00:00Z"}],
    }  # fmt: skip
    facts = dict(_facts(str, Story("K", {}, None, (), (), ()), truth))
    assert facts["parcel"] == "O1 at vnpost: result to the citizen, delivered 2026-10-08 09:00"
    assert facts["check"] == "population: does not match (name), 2026-10-08 09:00"


def test_the_check_of_settings_names_a_choice_that_is_missing(tmp_path: Path) -> None:
    file = settings(tmp_path)
    text = file.read_text(encoding="utf-8")
    platforms = '[systems.vnpay]\nterminal = "A"\n[systems.npsp_payment.access]\naddress = "http://127.0.0.1:9"\n'
    file.write_text(text + platforms, encoding="utf-8")
    told = lgsp("config", "check", "--config", file, **SECRETS)
    assert (told.exit_code, "province.fee_platform: several systems could do it" in told.stderr) == (2, True)
    chosen = text.replace('name = "Gia Lai"', 'name = "Gia Lai"\nfee_platform = "vnpay"')
    file.write_text(chosen + platforms, encoding="utf-8")
    assert "province.fee_platform" not in lgsp("config", "check", "--config", file, **SECRETS).stderr

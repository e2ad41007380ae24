"""The settings: every mistake at once and by name, no secret in any message, an example that loads as printed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, Field, SecretStr

from lgsp.config import Settings, check, example, load
from lgsp.errors import ConfigError
from lgsp.spi.connector import SystemSettings

KEY = "k" * 32
ENV = {"LINK": KEY, "TOKEN": KEY[::-1], "PORTAL": "portal-password"}
GOOD = """
[province]
code = "H21"
name = "Gia Lai"
[server]
base_url = "https://lgsp.example.vn/"
link_secret = { env = "LINK" }
token_secret = { env = "TOKEN" }
[systems.portal]
address = "https://portal.example.vn"
password = { env = "PORTAL" }
"""


class PortalSettings(SystemSettings):
    """The portal of these tests."""

    address: str = Field(pattern=r"^https://", description="Where it is", examples=["https://portal.example.vn"])
    password: SecretStr = Field(min_length=8, description="Our password there")
    generation: Literal["g1", "g2"] = Field("g1", description="Which of its interfaces is used")


CLASSES: Mapping[str, type[BaseModel]] = {"portal": PortalSettings, "registry": SystemSettings}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "lgsp.toml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def problems(path: Path, text: str, env: Mapping[str, str] = ENV) -> list[str]:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load(path, env, CLASSES)
    return caught.value.problems


def test_a_file_is_read_whole(file: Path) -> None:
    settings = load(file, ENV, CLASSES)
    assert settings.province.code == "H21"
    assert settings.server.base_url == "https://lgsp.example.vn"
    assert settings.server.link_secret.get_secret_value() == KEY
    assert settings.worker.lease_seconds == 30
    portal = settings.system("portal")
    assert isinstance(portal, PortalSettings)
    assert portal.password.get_secret_value() == "portal-password"


def test_nothing_can_be_changed_afterwards(file: Path) -> None:
    settings = load(file, ENV, CLASSES)
    with pytest.raises(ValueError, match="frozen"):
        settings.server.port = 1  # type: ignore[misc]  # the mistake itself


def test_a_file_with_five_mistakes_names_all_five(file: Path) -> None:
    text = GOOD.replace('code = "H21"\n', "").replace("address =", "adress =") + (
        '[files]\nmax_bytes = 0\n[server.clients.mc]\nsecret = "short"\n[systems.portla]\n'
    )
    found = problems(file, text)
    expected = [
        'province.code: is missing; write code = "H21"',
        "systems.portal.adress: unknown name; did you mean address?",
        "files.max_bytes: must be greater than or equal to 1024; write max_bytes = 52428800",
        "server.clients.mc.secret: ",
        "systems.portla: no such system is installed; did you mean portal?",
    ]
    for line in expected:
        assert any(each.startswith(line) for each in found), line
    also = 'systems.portal.address: is missing; write address = "https://portal.example.vn" (Where it is)'
    assert also in found, "the misspelt name leaves the right one missing"
    assert len(found) == 6


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        pytest.param("[server]", "[sever]", "sever: unknown name; did you mean server?", id="section misspelt"),
        pytest.param(
            "[province]\n", "[province]\nzzzz = 1\n", "province.zzzz: unknown name; known here: code", id="far"
        ),
        pytest.param('"Gia Lai"', "5", "province.name: must be a valid string; write name =", id="wrong type"),
        pytest.param("https://lgsp", "ftp://lgsp", "server.base_url: must be an http or https address", id="scheme"),
        pytest.param("[server]\n", '[server]\nport = "x"\n', "server.port: must be a valid integer", id="no number"),
        pytest.param(
            "[server]\n", "[server]\nport = 70000\n", "server.port: must be less than or equal to 65535", id="port"
        ),
        pytest.param(GOOD, GOOD + "[log]\nlevel='loud'\n", "log.level: must be 'debug', 'info'", id="choice"),
        pytest.param(
            GOOD, GOOD + "tls=3\n", "systems.portal.tls: must be a section; write [systems.portal.tls]", id="tls"
        ),
        pytest.param(GOOD, "log=3\n" + GOOD, "log: must be a section; write [log]", id="value for a section"),
        pytest.param(GOOD, "systems=3\n" + GOOD.split("[systems")[0], "systems: must be a section", id="systems"),
        pytest.param(GOOD, GOOD + "[store]\nurl='mysql://x'\n", "store.url: must be sqlite:///<file> or", id="store"),
        pytest.param(
            '{ env = "LINK" }', '{ env = "NO" }', "server.link_secret: environment variable NO is not set", id="env"
        ),
        pytest.param(
            '{ env = "LINK" }', '{ file = "/no/f" }', "server.link_secret: file /no/f cannot be read", id="file"
        ),
        pytest.param(
            '{ env = "LINK" }', '{ evn = "LINK" }', "server.link_secret: must be a valid string; write", id="evn"
        ),
        pytest.param(
            "[server]\n", "[server.clients.a]\n[server]\n", "server.clients.a.secret: is missing; write", id="client"
        ),
        pytest.param(
            GOOD,
            GOOD + '[server.clients.a]\nsecret={env="LINK"}\nsystems=["onestop"]\n',
            "server.clients.a.systems: 'onestop' has no section [systems.onestop]",
            id="client of an unknown system",
        ),
        pytest.param(
            GOOD,
            GOOD + '[server.clients.a]\nsecret={env="LINK"}\nallow_from=["10.0.0.0/8", "10.x"]\n',
            "server.clients.a.allow_from[1]: must be an address or network",
            id="network",
        ),
    ],
)
def test_one_mistake_is_one_line_with_its_name_and_what_to_write(file: Path, old: str, new: str, line: str) -> None:
    found = [
        each for each in problems(file, GOOD.replace(old, new)) if not each.startswith("server: section is missing")
    ]
    assert len(found) == 1, found
    assert found[0].startswith(line)


def test_a_missing_section_is_asked_for(file: Path) -> None:
    (found,) = problems(file, GOOD.replace("[province]", "[log]").replace('code = "H21"\nname = "Gia Lai"\n', ""))
    assert found == "province: section is missing; write [province] and its names below it"


def test_no_message_holds_a_secret(file: Path) -> None:
    secret = "S3cr3tS3cr3t"
    text = GOOD.replace('{ env = "PORTAL" }', f'["{secret}"]').replace('{ env = "TOKEN" }', f'"{secret}"')
    found = problems(file, text + f"[store]\nurl = 'mysql://u:{secret}@h/d'\n", {**ENV, "LINK": secret})
    assert {line.split(":")[0] for line in found} == {
        "systems.portal.password",
        "server.token_secret",
        "server.link_secret",
        "store.url",
    }
    assert secret not in "\n".join(found)


def test_settings_shown_by_mistake_hold_no_secret(file: Path) -> None:
    file.write_text(GOOD + "[store]\nurl = 'postgresql://u:S3cr3t@h/d'\n", encoding="utf-8")
    shown = repr(load(file, ENV, CLASSES))
    assert KEY not in shown
    assert "portal-password" not in shown
    assert "S3cr3t" not in shown


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.toml: no such file: write one with `lgsp config example"):
        load(tmp_path / "none.toml", {}, CLASSES)


def test_a_syntax_error_names_the_line(file: Path) -> None:
    (found,) = problems(file, GOOD + "\nport 8080\n")
    assert "is not TOML" in found
    assert "at line 13" in found


def test_a_file_in_another_encoding_names_the_line(file: Path) -> None:
    file.write_bytes(b"[province]\nname = '\xd0'\n")
    with pytest.raises(ConfigError, match="line 2: is not UTF-8"):
        load(file, ENV, CLASSES)


def test_a_byte_order_mark_is_taken(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.encode())
    assert load(file, ENV, CLASSES).province.name == "Gia Lai"


def test_the_environment_wins_and_is_named_in_mistakes(file: Path) -> None:
    settings = load(file, {**ENV, "LGSP_SERVER__PORT": "9000", "LGSP_SYSTEMS__PORTAL__GENERATION": "g2"}, CLASSES)
    assert (settings.server.port, settings.system("portal").generation) == (9000, "g2")
    (found,) = problems(file, GOOD, {**ENV, "LGSP_SERVER__PORT": "many"})
    assert found.endswith("(set by LGSP_SERVER__PORT)")
    assert "many" not in found


def test_the_environment_reaches_lists_sections_and_names_with_hyphens(file: Path) -> None:
    file.write_text(GOOD + '[server.clients.Mot-Cua]\nsecret = { env = "LINK" }\n', encoding="utf-8")
    env = {
        **ENV,
        "LGSP_SERVER__CLIENTS__MOT_CUA__SYSTEMS": '["portal"]',
        "LGSP_SYSTEMS__REGISTRY__RATE": "2.5",
        "LGSP_SYSTEMS__PORTAL__POLLS": "false",
    }
    settings = load(file, env, CLASSES)
    assert settings.server.clients["Mot-Cua"].systems == ("portal",)
    assert settings.system("registry").rate == 2.5
    assert settings.system("portal").polls is False


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("LGSP_SERVER_PORT", "LGSP_SERVER_PORT: two underscores part a section from its name; write LGSP_SERVER__PORT"),
        ("LGSP_SERVER__PRT", "server.prt: unknown name; did you mean port? (set by LGSP_SERVER__PRT)"),
        ("LGSP_SERVER__", "LGSP_SERVER__: a part of the name is empty"),
    ],
)
def test_a_misspelt_variable_is_not_ignored(file: Path, name: str, line: str) -> None:
    (found,) = problems(file, GOOD, {**ENV, name: "8080"})
    assert found.startswith(line)


def test_variables_that_are_no_settings_are_left_alone(file: Path) -> None:
    assert load(file, {**ENV, "LGSP_LANG": "vi", "LGSP_CONFIG": "other.toml"}, CLASSES).log.language == ""


def test_the_file_may_be_named_in_the_environment(file: Path) -> None:
    assert load(None, {**ENV, "LGSP_CONFIG": str(file)}, CLASSES).province.code == "H21"


def test_a_secret_from_a_file_loses_its_last_line_end(file: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("file-password\n", encoding="utf-8")
    file.write_text(GOOD.replace('{ env = "PORTAL" }', f"{{ file = '{secret}' }}"), encoding="utf-8")
    assert load(file, ENV, CLASSES).system("portal").password.get_secret_value() == "file-password"


def test_any_value_may_be_a_reference(file: Path) -> None:
    file.write_text(GOOD + '[store]\nurl = { env = "DB" }\n', encoding="utf-8")
    assert load(file, {**ENV, "DB": "postgresql://lgsp@db/lgsp"}, CLASSES).store.url == "postgresql://lgsp@db/lgsp"


def test_a_secret_in_the_file_itself_is_a_warning(file: Path) -> None:
    file.write_text(GOOD.replace('{ env = "PORTAL" }', '"portal-password"'), encoding="utf-8")
    checked = check(file, ENV, CLASSES)
    assert checked.settings is not None
    (warning,) = checked.warnings
    assert warning == (
        "systems.portal.password: the secret stands in the file itself; "
        'write password = { env = "PORTAL_PASSWORD" } instead'
    )


def example_env(text: str) -> dict[str, str]:
    return dict.fromkeys(re.findall(r'env = "(\w+)"', text), KEY)


def test_the_example_loads_as_it_is_printed(file: Path) -> None:
    text = example(CLASSES)
    file.write_text(text, encoding="utf-8")
    checked = check(file, example_env(text), CLASSES)
    assert checked.problems == checked.warnings == ()
    assert checked.settings is not None
    assert set(checked.settings.systems) == set(CLASSES)


def test_the_examples_defaults_are_the_defaults(file: Path) -> None:
    text = example(CLASSES)
    file.write_text(text, encoding="utf-8")
    plain = load(file, example_env(text), CLASSES)
    uncommented = re.sub(r"(?m)^#(?=\S)", "", text)
    assert tomllib.loads(uncommented)["worker"].keys() == type(plain.worker).model_fields.keys()
    file.write_text(uncommented, encoding="utf-8")
    full = load(file, example_env(text), CLASSES)
    assert full.server.clients.keys() == {"onestop"}
    assert full.worker == plain.worker
    assert full.log == plain.log
    assert full.store == plain.store
    assert full.system("registry").model_copy(update={"tls": None}) == plain.system("registry").model_copy(
        update={"tls": None}
    )


def test_every_setting_of_the_bus_is_described() -> None:
    for section in Settings.model_fields.values():
        for name, field in getattr(section.annotation, "model_fields", {}).items():
            assert field.description, name

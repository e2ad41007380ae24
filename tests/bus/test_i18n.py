"""Catalogues: compiled as written, complete for every message that is used, true to its placeholders."""

from __future__ import annotations

import gettext
import re
import unicodedata
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import lgsp
from lgsp.i18n import LOCALE, language, messages_in, messages_of, translator

PACKAGE = Path(lgsp.__file__).parent
PO = LOCALE / "vi" / "LC_MESSAGES" / "lgsp.po"
PLACEHOLDER = re.compile(r"\{[^{}]*\}|%\(\w+\)[sd]|%[sd]")


def catalogue() -> dict[str, str]:
    with PO.open("rb") as file:
        messages = read_po(file, locale="vi", abort_invalid=True)
    assert not [m.id for m in messages if m.fuzzy and m.id], "a fuzzy message is not compiled"
    return {str(m.id): str(m.string) for m in messages if m.id}


def untranslated(folder: Path, known: dict[str, str]) -> list[str]:
    return [f"{place}: {message!r}" for message, place in messages_of(folder).items() if not known.get(message)]


def test_the_compiled_catalogue_is_the_written_one() -> None:
    with PO.with_suffix(".mo").open("rb") as file:
        compiled = gettext.GNUTranslations(file)
    written = catalogue()
    assert {message: compiled.gettext(message) for message in written} == written, "run python -m lgsp.i18n compile"
    entries = int.from_bytes(PO.with_suffix(".mo").read_bytes()[8:12], "little")
    assert entries == len(written) + 1, "the header and nothing that is no longer written"


def test_every_message_used_has_a_vietnamese_translation() -> None:
    assert untranslated(PACKAGE, catalogue()) == []


def test_a_missing_translation_is_found(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_text('print(_("dossier"))\nprint(_("never "\n "translated"))\n', encoding="utf-8")
    assert untranslated(tmp_path, catalogue()) == ["new.py:2: 'never translated'"]


def test_a_message_filled_in_before_translation_is_found() -> None:
    with pytest.raises(ValueError, match=r"a\.py:1: translate first"):
        list(messages_in('_(f"{n} parked")', "a.py"))


@pytest.mark.parametrize(("message", "text"), catalogue().items(), ids=lambda text: text[:30])
def test_a_translation_keeps_its_placeholders_and_is_nfc(message: str, text: str) -> None:
    assert sorted(PLACEHOLDER.findall(message)) == sorted(PLACEHOLDER.findall(text))
    assert unicodedata.is_normalized("NFC", text)
    assert text.endswith("\n") == message.endswith("\n")


@pytest.mark.parametrize(
    ("setting", "env", "chosen"),
    [
        pytest.param("", {}, "en", id="nothing said"),
        pytest.param("", {"LANG": "vi_VN.UTF-8"}, "vi", id="locale"),
        pytest.param("", {"LANG": "C.UTF-8"}, "en", id="no locale"),
        pytest.param("", {"LANG": "vi_VN", "LC_ALL": "en_US.UTF-8"}, "en", id="LC_ALL before LANG"),
        pytest.param("", {"LANG": "en_US", "LGSP_LANG": "vi"}, "vi", id="our variable before all"),
        pytest.param("en", {"LGSP_LANG": "vi"}, "en", id="setting before variables"),
        pytest.param("vi", {}, "vi", id="setting"),
        pytest.param("", {"LANG": "vie"}, "en", id="another name that begins alike"),
    ],
)
def test_which_language(setting: str, env: dict[str, str], chosen: str) -> None:
    assert language(setting, env) == chosen


def test_both_languages_and_a_message_nobody_translated() -> None:
    assert translator("vi")("dossier") == "hồ sơ"
    assert translator("en")("dossier") == "dossier"
    assert translator("vi")("not in the catalogue") == "not in the catalogue"

"""Messages in Vietnamese and English: gettext catalogues, where the English text is the key."""

from __future__ import annotations

import ast
import gettext
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

DOMAIN = "lgsp"
LOCALE = Path(__file__).parent / "locale"
LANGUAGES = ("vi", "en")

Translator = Callable[[str], str]


def language(setting: str, env: Mapping[str, str]) -> str:
    """``vi`` or ``en``: the setting, else the first of LGSP_LANG, LC_ALL, LC_MESSAGES and LANG that is set.

    A Vietnamese locale gives Vietnamese, any other English.
    """
    names = (setting, *(env.get(name, "") for name in ("LGSP_LANG", "LC_ALL", "LC_MESSAGES", "LANG")))
    chosen = next((name for name in names if name), "")
    return "vi" if chosen.replace("-", "_").partition(".")[0].partition("_")[0].lower() == "vi" else "en"


def translator(language: str) -> Translator:
    """The function that gives a message in a language; a message without translation stays English."""
    if language == "en":
        return gettext.NullTranslations().gettext
    return gettext.translation(DOMAIN, LOCALE, [language], fallback=True).gettext


def messages_in(source: str, file: str = "") -> Iterator[tuple[str, str]]:
    """Each message that a source translates, ``_("...")``, with its place. A message that is not plain text in the
    call cannot be found in a catalogue and gives an error instead."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_" and node.args:
            text = node.args[0]
            place = f"{file}:{node.lineno}"
            if isinstance(text, ast.JoinedStr):
                raise ValueError(f'{place}: translate first, fill in then: _("... {{name}}").format(name=name)')
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                yield text.value, place


def messages_of(folder: Path) -> dict[str, str]:
    """All messages of the sources under a folder, with the first place of each."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*.py")):
        for message, place in messages_in(path.read_text(encoding="utf-8"), str(path.relative_to(folder))):
            found.setdefault(message, place)
    return found


def _compile() -> None:
    from babel.messages.mofile import write_mo  # a tool of development, not needed to run
    from babel.messages.pofile import read_po

    for po in sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        with po.open("rb") as source, po.with_suffix(".mo").open("wb") as target:
            write_mo(target, read_po(source, locale=po.parts[-3], abort_invalid=True))


def _missing() -> list[str]:
    known = gettext.translation(DOMAIN, LOCALE, ["vi"])
    used = messages_of(LOCALE.parent)
    return [f"{place}: {message!r}" for message, place in used.items() if known.gettext(message) == message]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["compile"]:
            _compile()
        case ["missing"]:
            sys.stdout.writelines(f"{line}\n" for line in _missing())
        case _:
            sys.exit(f"usage: python -m {DOMAIN}.i18n compile | missing")

"""The mocks compile a contract's schemas whatever other threads read meanwhile, and fetch nothing for it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from lxml import etree

from mocks.kit.soap import Soap

CONTRACTS = Path(__file__).parents[1] / "wire" / "soap" / "contracts"


def test_schemas_are_compiled_while_other_threads_read_documents() -> None:
    """What could go wrong struck too seldom for a test to see it; that no process-wide state of lxml is used any more
    keeps it out, and this shows only that it still works."""
    done = Event()

    def read() -> None:
        file = str(CONTRACTS / "wcf" / "wcf.wsdl")
        while not done.is_set():
            etree.parse(file, etree.XMLParser(resolve_entities=False, no_network=True))

    with ThreadPoolExecutor(3) as readers, ThreadPoolExecutor(3) as compilers:
        reading = [readers.submit(read) for _ in range(3)]
        try:
            compiled = list(compilers.map(lambda _: Soap(CONTRACTS / "wcf"), range(200)))
        finally:
            done.set()
        for reader in reading:
            reader.result()
    wrong = etree.fromstring(b'<nobody xmlns="urn:nowhere"/>')
    assert all(soap.problems(wrong) for soap in compiled)


def test_an_include_that_the_folder_lacks_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.xsd").write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:a">'
        '<xs:include schemaLocation="http://mock.invalid/elsewhere.xsd"/><xs:element name="A"/></xs:schema>',
        encoding="utf-8",
    )
    with pytest.raises(etree.XMLSchemaParseError):
        Soap(tmp_path)

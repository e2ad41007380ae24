"""Rows of an untyped DataSet."""

from __future__ import annotations

from tests.wire.soap.kit import envelope, operation, reply, streaming

SCHEMA = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" id="NewDataSet"><xs:element name="NewDataSet"/></xs:schema>'
)
DIFF = (
    'xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1" xmlns:msdata="urn:schemas-microsoft-com:xml-msdata"'
)  # fmt: skip


def dataset(rows: str, before: str = "", root: str = "DocumentElement") -> str:
    old = f"<diffgr:before>{before}</diffgr:before>" if before else ""
    return envelope(
        f'<UnitsResponse xmlns="http://tempuri.org/"><UnitsResult>{SCHEMA}<diffgr:diffgram {DIFF}>'
        f'<{root} xmlns="">{rows}</{root}>{old}</diffgr:diffgram></UnitsResult></UnitsResponse>'
    )


def row(number: int, order: int, inner: str, change: str = "") -> str:
    changed = f' diffgr:hasChanges="{change}"' if change else ""
    return f'<TABLE diffgr:id="TABLE{number}" msdata:rowOrder="{order}"{changed}>{inner}</TABLE>'


def test_rows_are_texts_in_row_order() -> None:
    second = row(1, 1, "<MaTinh>15</MaTinh><Ten_x0020_Tinh>Lào Cai</Ten_x0020_Tinh>")
    body = dataset(second + row(2, 0, "<MaTinh>01</MaTinh>"))
    read = operation("units", "Units").answer(reply(body))["UnitsResult"]
    assert read == {"TABLE": [{"MaTinh": "01"}, {"MaTinh": "15", "Ten Tinh": "Lào Cai"}]}
    assert read.rows("table") == read.rows() == read["TABLE"]
    assert read.rows("other") == []


def test_states_of_rows() -> None:
    changed = row(1, 0, "<Ma>1</Ma><Ten>mới</Ten>", "modified")
    body = dataset(
        changed + row(3, 2, "<Ma>3</Ma>", "inserted") + row(4, 3, "<Ma>4</Ma>"),
        row(1, 0, "<Ma>1</Ma><Ten>cũ</Ten>") + row(2, 1, "<Ma>2</Ma>"),
        "NewDataSet",
    )
    read = operation("units", "Units").answer(reply(body))["UnitsResult"]
    assert [r["Ma"] for r in read["TABLE"]] == ["1", "3", "4"], "a deleted row is not there"
    states = {r.values["Ma"]: (r.state, r.original) for r in read.all}
    assert states == {
        "1": ("modified", {"Ma": "1", "Ten": "cũ"}),
        "3": ("inserted", None),
        "4": ("unchanged", None),
        "2": ("deleted", {"Ma": "2"}),
    }


def table(rows: str) -> str:
    return dataset(rows).replace("UnitsResponse", "TableResponse").replace("UnitsResult", "TableResult")


def test_a_data_table_is_read_alike() -> None:
    """.NET leaves it wholly open in the contract."""
    body = table(row(1, 1, "<A>1</A>") + row(2, 0, "<A>2</A>"))
    for read in (operation("units", "Table"), streaming("units", "Table")):
        assert read.answer(reply(body)) == {"TableResult": {"TABLE": [{"A": "2"}, {"A": "1"}]}}
    assert operation("units", "Table").envelope().content.count(b"<n0:Table/>") == 1


def test_an_empty_dataset_and_none() -> None:
    units = operation("units", "Units")
    assert units.answer(reply(dataset("")))["UnitsResult"].rows() == []
    assert units.answer(reply(envelope('<UnitsResponse xmlns="http://tempuri.org/"/>'))) == {}

"""Two requests are the same by what they say; what differs is named by its place."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.wire.matching import Difference, differences, of_body, of_request

JSON, XML, FORM = "application/json", "text/xml", "application/x-www-form-urlencoded"

SAME = [
    pytest.param(b'{"a": 1, "b": [1.0, "x"]}', b'{"b":[1.0,"x"],\n"a":1}', JSON, id="json order and white space"),
    pytest.param('{"a":"Nguyễn"}'.encode(), b'{"a":"Nguy\\u1ec5n"}', JSON, id="json escapes"),
    pytest.param(
        b"<a:X xmlns:a='urn:1' q='1' p='2'><a:y>1</a:y></a:X>", b'<X xmlns="urn:1" p="2" q="1">\n <y>1</y>\n</X>', XML,
        id="prefixes, attributes, white space",
    ),
    pytest.param(
        b"<X xmlns:i='http://www.w3.org/2001/XMLSchema-instance' xmlns:a='urn:t' i:type='a:T'/>",
        b"<X xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:b='urn:t' xsi:type='b:T'></X>", XML,
        id="types by their namespace",
    ),
    pytest.param(b"<X><!-- c --><y><![CDATA[1&2]]></y></X>", b"<X><y>1&amp;2</y></X>", XML, id="comments and CDATA"),
    pytest.param("<X>ổ</X>".encode("utf-16"), "<X>ổ</X>".encode(), XML, id="encodings"),
    pytest.param(b"a=1&b=x+y", b"b=x%20y&a=1", FORM, id="form order and quoting"),
    pytest.param(
        json.dumps({"d": base64.b64encode(b'{"x": 1, "y": 2}').decode()}).encode(),
        json.dumps({"d": base64.b64encode(b'{"y":2,"x":1}').decode()}).encode(), JSON, id="json in base64 in json",
    ),
    pytest.param(
        b"<X><data>{&quot;a&quot;:1, &quot;b&quot;:2}</data></X>", b'<X><data>{"b":2,"a":1}</data></X>', XML,
        id="json in xml",
    ),
    pytest.param(
        b'{"u": "https://a.vn/p?x=1&y=2"}', b'{"u": "https://a.vn/p?y=2&x=1"}', JSON, id="an address inside",
    ),
    pytest.param(b'{"token": "***"}', b'{"token": "abcdef"}', JSON, id="a masked secret fits"),
    pytest.param(
        b'{"f": "https://a.vn/files/0a1b/1790000000/abc_-9/x.pdf"}',
        b'{"f": "https://a.vn/files/0a1b/1799999999/zzz/x.pdf"}', JSON, id="our links, whenever they were signed",
    ),
    pytest.param(
        b'--m\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--m--\r\n',
        b'--m\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--m--\r\n', "multipart/form-data; boundary=m",
        id="multipart",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "kind"), SAME)
def test_the_same_said_otherwise(one: bytes, other: bytes, kind: str) -> None:
    assert differences(of_body(one, kind), of_body(other, kind)) == []


OTHER = [
    pytest.param(b'{"a": 1}', b'{"a": "1"}', JSON, "$.a", id="a number is no text"),
    pytest.param(b'{"a": [1, 2]}', b'{"a": [2, 1]}', JSON, "$.a[0]", id="a list keeps its order"),
    pytest.param(b'{"a": {"b": null}}', b'{"a": {}}', JSON, "$.a.b", id="null is not absent"),
    pytest.param(b"<X xmlns='urn:1'/>", b"<X xmlns='urn:2'/>", XML, "X/@xmlns", id="another namespace"),
    pytest.param(b"<X><y>1</y><y>2</y></X>", b"<X><y>1</y><y>3</y></X>", XML, "X/y[2]", id="the second of two"),
    pytest.param(b"<X a='1'/>", b"<X/>", XML, "X/@a", id="an attribute more"),
    pytest.param(b"a=1", b"a=1&a=2", FORM, "a[1]", id="a value more"),
    pytest.param(b"\x00\xff", b"\x00\xfe", "application/octet-stream", "body", id="bytes"),
]


@pytest.mark.parametrize(("one", "other", "kind", "where"), OTHER)
def test_what_differs_is_named(one: bytes, other: bytes, kind: str, where: str) -> None:
    found = differences(of_body(one, kind), of_body(other, kind))
    assert [difference.where for difference in found][:1] == [where]


def test_a_request_is_its_method_path_query_and_body_and_no_host() -> None:
    one = of_request("GET", "https://a.vn/x/y?b=2&a=1", "", b"")
    assert differences(one, of_request("GET", "http://mock.test/x/y?a=1&b=2", "", b"")) == []
    assert differences(one, of_request("GET", "https://a.vn/x/y?b=3&a=1", "", b"")) == [Difference("?b", "2", "3")]
    assert [d.where for d in differences(one, of_request("POST", "https://a.vn/x?b=2&a=1", "", b""))] == [
        "method",
        "path",
    ]


def test_volatile_fields_do_not_count_wherever_they_stand() -> None:
    one = of_request("POST", "https://a.vn/x?stamp=1", JSON, b'{"a": {"RequestId": "1"}, "b": [{"hash": "x"}], "c": 1}')
    other = of_request(
        "POST", "https://a.vn/x?stamp=2", JSON, b'{"a": {"RequestId": "2"}, "b": [{"hash": "y"}], "c": 2}'
    )
    assert [d.where for d in differences(one, other)] == ["?stamp", "$.a.RequestId", "$.b[0].hash", "$.c"]
    assert [d.where for d in differences(one, other, ("stamp", "requestid", "hash"))] == ["$.c"]


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=12,
)


@given(value=JSONS)
@settings(max_examples=150, deadline=None)
def test_a_message_is_the_same_as_itself_however_it_is_written(value: object) -> None:
    one = json.dumps({"v": value}).encode()
    other = json.dumps({"v": value}, ensure_ascii=False, indent=2, sort_keys=True).encode("utf-8", "surrogatepass")
    assert differences(of_body(one, JSON), of_body(other, JSON)) == []


@given(data=st.binary(max_size=60), kind=st.sampled_from([JSON, XML, FORM, "multipart/form-data; boundary=m", ""]))
@settings(max_examples=200, deadline=None)
def test_any_bytes_have_a_reading(data: bytes, kind: str) -> None:
    assert differences(of_body(data, kind), of_body(data, kind)) == []

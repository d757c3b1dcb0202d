"""HTML, PDF, DOCX and tables, made by hand."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from docx import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from retrieval.sources import read
from retrieval.types import Article

_FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def article(path: Path, content: bytes) -> Article:
    path.write_bytes(content)
    reading = read(path)
    assert not reading.skipped, reading.skipped
    return reading.articles[0]


def reason(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    reading = read(path)
    assert not reading.articles
    return reading.skipped[0].reason


def pdf(pages: list[list[str]], *, password: str | None = None, title: str = "") -> bytes:
    writer = PdfWriter()
    font = DictionaryObject(
        {NameObject(k): NameObject(v) for k, v in {
            "/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica",
            "/Encoding": "/WinAnsiEncoding"}.items()}
    )  # fmt: skip
    for lines in pages:
        page = writer.add_blank_page(width=600, height=800)
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        shown = "".join(f"({line}) Tj 0 -14 Td " for line in lines)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 50 750 Td {shown} ET".encode("cp1252"))
        page[NameObject("/Contents")] = writer._add_object(stream)
    if title:
        writer.add_metadata({"/Title": title})
    if password:
        writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def docx(document: Document) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def test_html_is_read_from_its_main_part(tmp_path: Path) -> None:
    html = """<html lang="de"><head><title>Pay &amp; go | Shop</title><style>p{}</style>
    <link rel="canonical" href="https://x.example/pay"></head><body><nav>Home</nav><main>
    <h1>Pay &amp; go</h1><p>Use a*b*c or <b>card</b>: <a href="/c">see</a> <kbd>F1</kbd>.</p>
    <ul><li>one<ol><li>deep</ol><li>two</ul><pre><code class="language-sh"># x
  y</code></pre><aside>Ad</aside><p hidden>secret</p></main><footer>©</footer></body></html>"""
    found = article(tmp_path / "p.html", html.encode())
    assert (found.title, found.language, found.url) == ("Pay & go", "de", "https://x.example/pay")
    assert found.text == (
        "# Pay & go\n\nUse a*b*c or card: see F1.\n\n"
        "- one\n  1. deep\n- two\n\n```sh\n# x\n  y\n```"
    )


def test_html_charset_is_honoured(tmp_path: Path) -> None:
    html = '<meta charset="iso-8859-1"><title>Größe</title><p>5 €, “ja”'.encode("cp1252")
    found = article(tmp_path / "p.html", html)
    assert (found.title, found.text) == ("Größe", "5 €, “ja”")


def test_pdf_lines_become_paragraphs_again(tmp_path: Path) -> None:
    body = [
        "Returns",
        "You can send back whatever you bought in our shop within custom-",
        "ary 30 days, if it is in its box and the label of this well-known",
        "maker is on it. A well-known case is a gift that nobody wanted.",
        "Short end.",
        "Another paragraph begins here and it is about as long as a line.",
        "• First",
        "• Second",
    ]
    chapters = [[f"Step {n}", f"Do {word}."] for n, word in ((4, "this"), (1, "that"))]
    pages = [
        ["Shop manual", *lines, f"Page {number} of 3"]
        for number, lines in enumerate([body, *chapters], 1)
    ]
    found = article(tmp_path / "a.pdf", pdf(pages, title="Our returns"))
    assert found.title == "Our returns"
    assert "Shop manual" not in found.text
    assert "Page" not in found.text
    assert "Step 1\n\nDo that." in found.text
    assert "Returns\n\nYou can send back" in found.text
    assert "within customary 30 days, if it is" in found.text
    assert "this well-known maker is on it." in found.text
    assert "nobody wanted. Short end.\n\nAnother paragraph" in found.text
    assert "- First\n\n- Second" in found.text


def test_bad_pdfs_say_why(tmp_path: Path) -> None:
    good = pdf([["Hello there, this is text."]])
    assert reason(tmp_path / "a.pdf", pdf([[]])) == "no text (scanned?)"
    assert reason(tmp_path / "b.pdf", pdf([["x"]], password="s")).startswith("encrypted")
    assert reason(tmp_path / "c.pdf", good[: len(good) // 3]).startswith("damaged PDF")
    assert len(PdfReader(io.BytesIO(good)).pages) == 1


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_damaged_file_never_raises(tmp_path: Path, data: st.DataObject) -> None:
    suffix = data.draw(st.sampled_from([".pdf", ".docx"]))
    content = bytearray(_GOOD[suffix])
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content[: data.draw(st.integers(1, len(content)))])
    reading = read(path)
    assert len(reading.articles) + len(reading.skipped) == 1


_GOOD = {".pdf": pdf([["Hello there."], ["Bye."]]), ".docx": docx(Document())}


def test_docx_keeps_headings_lists_tables_and_links_in_order(tmp_path: Path) -> None:
    document = Document()
    document.add_heading("Returns", 1)
    document.add_paragraph("Within 30 days.")
    for text, style in [("a", "List Bullet"), ("deep", "List Bullet 2"), ("b", "List Bullet")]:
        document.add_paragraph(text, style=style)
    document.add_paragraph("How:")
    for text in ("pack", "send"):
        document.add_paragraph(text, style="List Number")
    table = document.add_table(2, 2)
    for cell, text in zip((c for row in table.rows for c in row.cells), "AB1|", strict=True):
        cell.text = text
    found = article(tmp_path / "a.docx", docx(document))
    assert found.title == "Returns"
    assert found.text == (
        "# Returns\n\nWithin 30 days.\n\n- a\n   - deep\n- b\n\nHow:\n\n1. pack\n2. send\n\n"
        "| A | B |\n| --- | --- |\n| 1 | \\| |"
    )


def test_docx_shows_what_word_shows(tmp_path: Path) -> None:
    document = Document()
    paragraph = document.add_paragraph("Kept")
    hidden = paragraph.add_run(" hidden")
    hidden.font.hidden = True
    inserted = OxmlElement("w:ins")
    inserted.append(paragraph.add_run(" inserted")._r)
    paragraph._p.append(inserted)
    deleted = OxmlElement("w:del")
    run = paragraph.add_run(" deleted")._r
    deleted.append(run)
    paragraph._p.append(deleted)
    link = OxmlElement("w:hyperlink")
    target = document.part.relate_to(
        "https://x.example/?utm_source=d",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink",
        is_external=True,
    )
    link.set(qn("r:id"), target)
    link.append(paragraph.add_run(" link")._r)
    paragraph._p.append(link)
    assert (
        article(tmp_path / "a.docx", docx(document)).text
        == "Kept inserted link (https://x.example/)"
    )


def test_bad_docx_files_say_why(tmp_path: Path) -> None:
    assert reason(tmp_path / "a.docx", docx(Document())) == "no text"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("x.txt", "x")
    assert (
        reason(tmp_path / "b.docx", out.getvalue())
        == "not a DOCX (a zip archive of something else)"
    )
    good = docx(Document())
    with zipfile.ZipFile(out := io.BytesIO(), "w") as archive:
        for name in zipfile.ZipFile(io.BytesIO(good)).namelist():
            content = zipfile.ZipFile(io.BytesIO(good)).read(name)
            archive.writestr(name, b"<broken" if name == "word/document.xml" else content)
    assert reason(tmp_path / "c.docx", out.getvalue()).startswith("damaged DOCX")


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<x/>")
        with archive.open("word/document.xml", "w") as entry:
            for _ in range(21):
                entry.write(b"\0" * 10_000_000)
    assert "unpacks to 210 MB" in reason(tmp_path / "a.docx", out.getvalue())


def test_external_entities_are_not_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("TOP SECRET")
    document = docx(Document())
    xml = (
        f'<!DOCTYPE d [<!ENTITY e SYSTEM "file://{secret}">]><w:document xmlns:w="http://schemas.'
        'openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>a&e;b</w:t></w:r>'
        "</w:p></w:body></w:document>"
    )
    with zipfile.ZipFile(out := io.BytesIO(), "w") as archive:
        for name in zipfile.ZipFile(io.BytesIO(document)).namelist():
            content = zipfile.ZipFile(io.BytesIO(document)).read(name)
            archive.writestr(name, xml if name == "word/document.xml" else content)
    (tmp_path / "a.docx").write_bytes(out.getvalue())
    assert "SECRET" not in repr(read(tmp_path / "a.docx"))


def test_csv_rows_become_articles(tmp_path: Path) -> None:
    out = io.StringIO()
    csv.writer(out).writerows(
        [
            ["Question", "Answer", "id", "url", "topic"],
            ["How long?", "About **3 days**.\n\nNo more.", "", "https://x.example/q", "ship"],
            ["No answer", "", "", "", ""],
            [],
            ["Where?", "Here.", "w", "", ""],
            ["a", "b", "c", "d", "e", "too many"],
        ]
    )
    (tmp_path / "faq.csv").write_text(out.getvalue(), encoding="utf-8-sig")
    reading = read(tmp_path / "faq.csv")
    first, second = reading.articles
    assert (first.id, first.title, first.text) == (
        "faq-1",
        "How long?",
        "About 3 days.\n\nNo more.",
    )
    assert (first.url, first.metadata) == ("https://x.example/q", {"topic": "ship"})
    assert (second.id, second.metadata) == ("w", {})
    assert [(s.source, s.reason) for s in reading.skipped] == [
        (f"{tmp_path}/faq.csv:5", "no answer"),
        (f"{tmp_path}/faq.csv:8", "6 columns where the header has 5"),
    ]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(tmp_path: Path, separator: str) -> None:
    text = f"title{separator}body\nQ, or?{separator}A\n"
    assert article(tmp_path / "f.csv", text.encode()).title == "Q, or?"


def test_broken_quotes_in_csv_lose_only_their_rows(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text('question,answer\na,b\n"c"x,d\ne,f\n"never closed,g\nh,i\n')
    reading = read(path)
    assert [a.title for a in reading.articles] == ["a", "e"]
    assert [s.source.rpartition(":")[2] for s in reading.skipped] == ["3", "5"]
    assert "never closed; nothing after it was read" in reading.skipped[1].reason


def test_jsonl_rows_become_articles(tmp_path: Path) -> None:
    rows = [
        json.dumps({"question": "Q1", "answer": "A1", "id": 7, "tags": ["x", "y"]}),
        "",
        "{broken",
        "[1]",
        json.dumps({"question": "Q2", "answer": "half \ud800"}),
        json.dumps({"question": "Q3", "answer": {"not": "text"}}),
        "[" * 100_000,
        json.dumps({"title": "Q4", "content": "A4", "language": "fr"}),
    ]
    (tmp_path / "f.jsonl").write_text("\n".join(rows))
    reading = read(tmp_path / "f.jsonl")
    assert [(a.id, a.text, a.language) for a in reading.articles] == [
        ("7", "A1", "en"),
        ("f-7", "A4", "fr"),
    ]
    assert reading.articles[0].metadata == {"tags": "x, y"}
    assert [s.source.rpartition(":")[2] for s in reading.skipped] == ["3", "4", "5", "6", "7"]


def test_equal_ids_of_rows_name_the_first(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("id,question,answer\n1,a,b\n1,c,d\n")
    (skipped,) = read(tmp_path / "f.csv").skipped
    assert skipped.reason == f"has the same id as {tmp_path}/f.csv:2: 1"

"""Sources: what is read, what is skipped and why, and that nothing is fatal."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.errors import SourceError
from retrieval.formats import files
from retrieval.sources import Reading, read, read_all

HELP_CENTRES = Path(__file__).parents[3] / "shared" / "data" / "helpcentres"


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def reason(reading: Reading) -> str:
    assert len(reading.skipped) == 1, reading.skipped
    return reading.skipped[0].reason


def read_one(path: Path, content: str | bytes) -> Reading:
    """Reads a folder with a bad file and a good one; the good one must come through."""
    write(path, content)
    write(path.parent / "zz-good.md", "# Good\n\nFine.")
    reading = read(path.parent)
    assert [article.id for article in reading.articles] == ["zz-good"]
    return reading


def test_reads_a_folder_in_sorted_order_with_ids_from_paths(tmp_path: Path) -> None:
    write(tmp_path / "b.md", "B.")
    write(tmp_path / "a" / "how-to_pay.txt", "By card.")
    write(tmp_path / "README.md", "# Welcome\n\nHello.")
    write(tmp_path / ".hidden.md", "no")
    write(tmp_path / ".git" / "x.md", "no")
    reading = read(tmp_path)
    assert [a.id for a in reading.articles] == ["README", "a/how-to_pay", "b"]
    assert [a.title for a in reading.articles] == ["Welcome", "How to pay", "B"]
    assert reading.skipped == ()


def test_front_matter_is_taken_as_written(tmp_path: Path) -> None:
    front = (
        "---\ntitle: 'Refunds: how'\nid: 007\nurl: https://x.example/r\nlanguage: de\n"
        "updated_at: 2024-01-02\ntags: [a, b]\nempty:\ndraft: false\n---\nText.\n"
    )
    (article,) = read(write(tmp_path / "r.md", front)).articles
    assert (article.id, article.title, article.url) == (
        "007",
        "Refunds: how",
        "https://x.example/r",
    )
    assert (article.language, article.updated_at) == ("de", "2024-01-02")
    assert (article.metadata, article.text) == ({"tags": "a, b"}, "Text.")


def test_a_javascript_url_is_not_kept(tmp_path: Path) -> None:
    (article,) = read(write(tmp_path / "r.md", "---\nurl: javascript:alert(1)\n---\nx")).articles
    assert article.url is None


def test_a_rule_at_the_start_is_not_front_matter(tmp_path: Path) -> None:
    (article,) = read(write(tmp_path / "r.md", "---\n\nHello.\n\n---\n\nBye.")).articles
    assert article.text == "Hello.\n\nBye."


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.md", "---\ntitle: [x\n---\nBody", "front matter is not YAML: .*line"),
        ("a.md", "---\na: &x 1\nb: *x\n---\nBody", "aliases"),
        ("a.md", "---\na: " + "[" * 5000 + "\n---\nBody", "front matter is not YAML"),
        ("a.md", '---\ntitle: "\\ud800"\n---\nBody', "surrogate"),
        ("a.md", "---\ntitle: x\n\nBody", "never closed"),
        ("a.md", "---\ndraft: true\n---\nBody", "^draft$"),
        ("a.md", "---\ntitle: x\n---\n<!-- nothing -->\n", "no text"),
        ("a.md", "", "no text"),
        ("a.md", "> " * 200 + "deep", "nested"),
        ("a.md", b"caf\xe9 au lait", "byte 0xE9 on line 1 .*iconv"),
        ("a.txt", b"one\ntwo \xff", "byte 0xFF on line 2"),
        ("a.txt", b"GIF\x00\x01", "NUL"),
        ("a.html", "<div>" * 300 + "x", "nested"),
        ("a.html", b'<meta charset="utf-8"><p>caf\xe9', "0xE9"),
        ("a.html", b'<meta charset="klingon"><p>x', "unknown character encoding"),
        ("a.html", "<nav>Home</nav><script>x</script>", "no text"),
        ("a.pdf", b"not a pdf at all", "damaged PDF"),
        ("a.docx", b"not a docx", "not a DOCX"),
        ("a.docx", b"\xd0\xcf\x11\xe0 old", "old .doc"),
        ("a.csv", "colour,size\nred,1\n", "no columns question and answer"),
        ("a.jsonl", "\n\n", "no rows"),
        ("a.xyz", "x", r"unknown kind of file \(.xyz\)"),
        ("LICENSE", "MIT", "licence"),
        ("LICENSE.md", "# CC BY", "licence"),
        ("licence-mit.txt", "MIT", "licence"),
    ],
)
def test_a_bad_file_is_skipped_with_its_reason(
    tmp_path: Path, name: str, content: str | bytes, expected: str
) -> None:
    reading = read_one(tmp_path / name, content)
    assert reading.skipped[0].source == str(tmp_path / name)
    assert re.search(expected, reason(reading)), reason(reading)


def test_a_licence_with_front_matter_or_another_topic_is_an_article(tmp_path: Path) -> None:
    write(tmp_path / "license.md", "---\ntitle: Licence\n---\nYou get a licence.")
    write(tmp_path / "license-renewal.md", "Renew it.")
    assert len(read(tmp_path).articles) == 2


def test_a_file_too_large_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 100)
    assert reason(read_one(tmp_path / "a.md", "x" * 101)).startswith("larger than")


def test_links_are_followed_inside_the_folder_only(tmp_path: Path) -> None:
    secret = write(tmp_path / "secret.md", "secret")
    write(tmp_path / "in" / "a.md", "A.")
    for name, target in {"out.md": secret, "same.md": "a.md", "broken.md": "x"}.items():
        (tmp_path / "in" / name).symlink_to(target)
    (tmp_path / "in" / "folder").symlink_to(tmp_path)
    reading = read(tmp_path / "in")
    assert [a.id for a in reading.articles] == ["a", "same"]
    assert {Path(s.source).name: s.reason for s in reading.skipped} == {
        "out.md": "a symbolic link that leaves the folder",
        "folder": "a symbolic link that leaves the folder",
        "broken.md": "a broken symbolic link",
    }


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.md")
    assert reason(read(tmp_path)) == "not a regular file"


def test_a_file_name_that_is_not_utf8_is_skipped(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("x")
    except OSError:
        pytest.skip("this file system wants UTF-8 names")
    (skipped,) = read(tmp_path).skipped
    assert skipped.reason == "a file name that is not UTF-8"
    skipped.source.encode()


def test_the_second_of_two_equal_ids_is_skipped(tmp_path: Path) -> None:
    first = write(tmp_path / "one" / "a.md", "---\nid: x\n---\nFirst.")
    second = write(tmp_path / "two" / "b.md", "---\nid: x\n---\nSecond.")
    reading = read_all([first.parent, second.parent])
    assert [a.text for a in reading.articles] == ["First."]
    assert reading.skipped[0].source == str(second)
    assert reading.skipped[0].reason == f"has the same id as {first}: x"


def test_a_named_source_must_exist_and_be_known(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file or folder"):
        read(tmp_path / "nowhere")
    with pytest.raises(SourceError, match=r"unknown kind of file; known are \.md"):
        read(write(tmp_path / "a.xyz", "x"))


def test_a_named_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    (article,) = read(write(tmp_path / "LICENSE.md", "# Ours\n\nText.")).articles
    assert (article.id, article.title) == ("LICENSE", "Ours")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_byte_order_marks_are_honoured(tmp_path: Path, encoding: str) -> None:
    (article,) = read(
        write(tmp_path / "a.txt", "Größe\r\n\r\n\r\n\r\nzwei  ".encode(encoding))
    ).articles
    assert article.text == "Größe\n\nzwei"


def test_a_heading_in_code_is_no_title(tmp_path: Path) -> None:
    (article,) = read(write(tmp_path / "a-b.md", "```sh\n# root\n```\n\n## Real\n")).articles
    assert article.title == "Real"


def test_import_loads_no_parser() -> None:
    parsers = "{'bs4', 'pypdf', 'docx', 'markdown_it', 'torch'}"
    code = f"import sys, retrieval.sources; print({parsers} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    suffix=st.sampled_from([".md", ".html", ".csv", ".jsonl", ".txt", ".pdf", ".docx"]),
    start=st.sampled_from(
        [b"", b"---\n", b"%PDF-1.4\n", b"question,answer\n", b"<html><p>", b"PK\3\4"]
    ),
    data=st.binary(max_size=200)
    | st.text("<>/&;[]()*_`#|-+:{}%!\\\n\t ab1'\"", max_size=200).map(str.encode),
)
def test_reading_never_raises(tmp_path: Path, suffix: str, start: bytes, data: bytes) -> None:
    reading = read(write(tmp_path / f"a{suffix}", start + data))
    assert reading.articles or reading.skipped
    for article in reading.articles:
        f"{article}".encode()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("arduino", 400), ("npm", 100), ("gnome-help", 279)])
def test_real_help_centres_are_read_whole(name: str, least: int) -> None:
    reading = read(HELP_CENTRES / name)
    assert len(reading.articles) >= least
    assert {s.reason for s in reading.skipped} <= {"draft", "a licence, not an article"}
    assert all(article.title for article in reading.articles)

"""The widget's files as they are served, without a browser."""

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.service import widget
from tests.bot.client import assert_problem, serving

PLACES = re.compile(r"\{(\w+)\}")
# Keys that are put together: `badge_${kind}` and the like.
MADE = ("badge_", "means_", "wait_", "trouble_", "reason_", "unfit_")


def table(language: str) -> dict[str, str]:
    found: dict[str, str] = json.loads((widget.FOLDER / "texts" / f"{language}.json").read_text())
    return found


def sources() -> str:
    return "\n".join(path.read_text() for path in sorted(widget.FOLDER.glob("*.js")))


def test_the_script_is_small_cached_and_open_to_every_page() -> None:
    with serving() as client:
        plain = client.get("/widget.js", headers={"Accept-Encoding": "identity"})
        packed = client.get("/widget.js", headers={"Accept-Encoding": "gzip"})
        assert plain.status_code == packed.status_code == 200
        assert plain.content == packed.content
        assert int(packed.headers["content-length"]) < 30_000
        assert packed.headers["content-encoding"] == "gzip"
        assert plain.headers["content-type"].startswith("text/javascript")
        assert plain.headers["access-control-allow-origin"] == "*"
        assert plain.headers["cross-origin-resource-policy"] == "cross-origin"
        assert plain.headers["cache-control"].startswith("public, max-age=600")
        assert plain.headers["etag"] != packed.headers["etag"]


def test_what_the_browser_has_is_not_sent_again() -> None:
    with serving() as client:
        for path in ("/widget.js", "/widget/texts/de.json"):
            tag = client.get(path).headers["etag"]
            again = client.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
            assert (again.status_code, again.content) == (304, b"")
            assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
            kept = client.get(f"{path}?v={widget.version()}").headers["cache-control"]
            assert "immutable" in kept
            assert "immutable" not in client.get(f"{path}?v=old").headers["cache-control"]


def test_texts_by_language() -> None:
    with serving() as client:
        for language in widget.languages():
            assert client.get(f"/widget/texts/{language}.json").json() == table(language)
        assert_problem(client.get("/widget/texts/xx.json"), 404, "unknown-language")
        assert client.get("/widget/texts/..%2F..%2Fmain.json").status_code == 404


def test_every_language_says_everything() -> None:
    assert set(widget.languages()) == {"en", "zh", "de", "es", "fr", "ar"}
    english = table("en")
    for language in widget.languages():
        texts = table(language)
        assert list(texts) == list(english), language
        for key, text in texts.items():
            assert text.strip(), (language, key)
            assert sorted(PLACES.findall(text)) == sorted(PLACES.findall(english[key])), key
            assert language == "en" or text != english[key] or key in SAME, (language, key)


SAME = {"conversation", "bot"}  # French says "Conversation" and "Assistant" too


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    code = sources()
    used = set(re.findall(r'\bt\("(\w+)"', code)) | set(re.findall(r'#t\("(\w+)"', code))
    english = set(table("en"))
    assert used <= english
    idle = {key for key in english - used if not key.startswith(MADE) and f'"{key}"' not in code}
    assert idle == set()


def test_model_text_is_never_markup() -> None:
    code = sources()
    for risky in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert risky not in code
    assert "style" not in re.findall(r"setAttribute\(\"(\w+)\"", code)
    assert not re.search(r"\.style\b", code)


def test_modules_are_joined_in_the_order_of_their_imports(tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text('import { two } from "./b.js";\nreport(two, VERSION);\n')
    (tmp_path / "b.js").write_text(
        'import { one } from "./a.js";\nimport kept from "./t.json" with { type: "json" };\n'
        "export const two = [one(), kept.word];\n"
    )
    (tmp_path / "a.js").write_text("const own = 1;\nexport function one() { return own; }\n")
    (tmp_path / "t.json").write_text('{"word": "x"}')
    joined = widget.bundle(tmp_path, "v1")
    assert joined.index("$a =") < joined.index("$b =") < joined.index("$main =")
    assert "import" not in joined
    assert "export" not in joined
    if node := shutil.which("node"):
        code = f"const report = (...all) => console.log(JSON.stringify(all));\n{joined}"
        done = subprocess.run([node, "-e", code], capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == [[1, "x"], "v1"]


def test_a_circle_of_imports_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "main.js").write_text('import { a } from "./a.js";\n')
    (tmp_path / "a.js").write_text('import { b } from "./main.js";\nexport const a = b;\n')
    with pytest.raises(ValueError, match=r"main\.js -> a\.js -> main\.js"):
        widget.bundle(tmp_path, "v1")


def test_packed_bytes_are_the_same_each_time() -> None:
    asset = widget.widget_script()
    assert gzip.decompress(asset.packed) == asset.body
    assert asset.packed[4:8] == b"\0\0\0\0"  # no time in it

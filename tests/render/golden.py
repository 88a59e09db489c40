"""The golden files: what the small edition looks like today. After a wanted change: python -m tests.render.golden"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from digest.model import Length
from tests.render import factory

FOLDER = Path(__file__).parent / "golden_files"


@lru_cache(maxsize=1)
def made() -> dict[str, str]:
    """File name -> what is rendered now."""
    renderer = factory.renderer()
    files = {}
    for language in ("en", "zh-Hans"):
        copy = renderer.copy(factory.small(), factory.reader(language=language))
        files[f"small-{language}.txt"] = f"Subject: {copy.subject}\n\n{copy.text}"
        files[f"small-{language}.html"] = copy.html
    headlines = renderer.copy(factory.small(), factory.reader(length=Length.HEADLINES))
    files["headlines-en.txt"] = headlines.text
    files["online-en.html"] = renderer.online(factory.small(), "en")
    return files


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, content in made().items():
        (FOLDER / name).write_text(content, encoding="utf-8")
        print(name)

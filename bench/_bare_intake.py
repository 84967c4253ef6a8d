"""What somebody who knows DuckDB writes by hand to take in exactly these files: the limit intake is measured by.

One statement reads, types and checks into a table in memory; two write its good and its bad rows; keys are compared
by hash first and grouped only where some come twice. The form of the files is known beforehand; nothing is kept as it
came, found out, resumed, committed or told.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import duckdb

WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
KEYS: Final = {
    "ga_population": ("id_no",),
    "rs_insurance": ("id_no", "insurance_type"),
    "gy_water_usage": ("meter_no", "ts"),
    "gy_power_usage": ("meter_no", "ts"),
    "sj_enterprise": ("uscc",),
}


def person(column: str) -> str:
    """Return the test of an identity number: its form, its day, its check digit (digits taken by remainders)."""
    number = f"TRY_CAST(substr({column}, 1, 17) AS BIGINT)"
    parts = []
    for k in range(1, 18):
        weight = WEIGHTS[17 - k] * (1 if k % 2 else -1)
        after = WEIGHTS[16 - k] * (-1 if k % 2 else 1) if k < 17 else 0
        rest = f"{number} % {10**k}" if k < 17 else number
        parts.append(f"({rest}) % 11 * {(weight - after) % 11}")
    last = f"CASE WHEN substr({column}, 18, 1) = 'X' THEN 10 ELSE ascii(substr({column}, 18, 1)) - 48 END"
    return (
        f"(regexp_full_match({column}, '[1-9][0-9]{{16}}[0-9X]') AND ({' + '.join(parts)} + {last}) % 11 = 1 "
        f"AND year(try_strptime(substr({column}, 7, 8), '%Y%m%d')) BETWEEN 1850 AND 2199)"
    )


def firm(column: str) -> str:
    """Return the test of a firm's number."""
    sum_ = " + ".join(
        f"(instr('{LETTERS}', substr({column}, {n + 1}, 1)) - 1) * {pow(3, n, 31)}" for n in range(17)
    )
    return (
        f"(regexp_full_match({column}, '[{LETTERS}]{{18}}') AND "
        f"({sum_} + instr('{LETTERS}', substr({column}, 18, 1)) - 1) % 31 = 0)"
    )


def told(*checks: tuple[str, str]) -> str:
    """Return the problems of a row: the words of the checks that fail; empty for a good row."""
    return " || ".join(f"CASE WHEN {fails} THEN '{word};' ELSE '' END" for word, fails in checks)


def codes(key: str) -> str:
    """Return a code table as the list of IN."""
    from citybrain.base.catalogue.codes import code_table

    return "(" + ", ".join(f"'{code}'" for code in code_table(key)) + ")"


def _csv(path: Path, columns: Sequence[str]) -> str:
    """Return the scan of a CSV: every column as a text without spaces around it, empty ones null."""
    kinds = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
    trimmed = ", ".join(f"nullif(trim({name}), '') AS {name}" for name in columns)
    return f"(SELECT {trimmed} FROM read_csv('{path}', header = true, auto_detect = false, columns = {{{kinds}}}))"


def population(path: Path) -> tuple[str, str, str]:
    """Return (typed columns, problems, FROM): registered people."""
    names = (
        "id_no", "name", "sex", "birth_date", "ethnic", "hukou_region", "hukou_address", "household_no", "relation",
        "alive", "updated_at",
    )  # fmt: skip
    typed = (
        "upper(id_no) AS id_no, name, sex, TRY_CAST(birth_date AS DATE) AS birth_date, ethnic, hukou_region, "
        "hukou_address, household_no, relation, "
        "CASE WHEN alive IN ('1', 'true', '是') THEN true WHEN alive IN ('0', 'false', '否') THEN false END AS alive, "
        "TRY_CAST(updated_at || '+08:00' AS TIMESTAMPTZ) AS updated_at"
    )
    born, number = "TRY_CAST(r.birth_date AS DATE)", "upper(r.id_no)"
    whole = f"regexp_full_match({number}, '[0-9]{{17}}.')"
    odd = f"ascii(substr({number}, 17, 1)) % 2 = 1"
    problems = told(
        ("id_no", f"r.id_no IS NULL OR length(r.id_no) <> 18 OR NOT {person(number)}"),
        ("name", "r.name IS NULL OR length(r.name) > 50"),
        ("sex", f"r.sex IS NULL OR length(r.sex) <> 1 OR r.sex NOT IN {codes('sex')}"),
        ("birth_date", f"{born} IS NULL OR {born} < DATE '1900-01-01'"),
        ("ethnic", f"length(r.ethnic) <> 2 OR r.ethnic NOT IN {codes('ethnic')}"),
        (
            "hukou_region",
            "r.hukou_region IS NULL OR length(r.hukou_region) <> 12 "
            "OR r.hukou_region NOT IN (SELECT code FROM regions)",
        ),
        ("hukou_address", "length(r.hukou_address) > 200"),
        ("household_no", "NOT regexp_full_match(r.household_no, '[0-9]{9}')"),
        ("relation", f"length(r.relation) <> 2 OR r.relation NOT IN {codes('relation')}"),
        ("alive", "r.alive IS NULL OR r.alive NOT IN ('1', 'true', '是', '0', 'false', '否')"),
        ("updated_at", "TRY_CAST(r.updated_at || '+08:00' AS TIMESTAMPTZ) IS NULL"),
        ("born", f"strftime({born}, '%Y%m%d') <> substr({number}, 7, 8) AND {whole}"),
        ("sex_of", f"{whole} AND ((r.sex = '1' AND NOT {odd}) OR (r.sex = '2' AND {odd}))"),
    )  # fmt: skip
    return typed, problems, _csv(path, names)


def insurance(path: Path) -> tuple[str, str, str]:
    """Who is insured, typed by the supplier."""
    typed = "upper(trim(id_no)) AS id_no, name, insurance_type, employer_uscc, month, base, status"
    problems = told(
        ("id_no", f"r.id_no IS NULL OR NOT {person('upper(trim(r.id_no))')}"),
        ("name", "r.name IS NULL OR length(r.name) > 50"),
        ("insurance_type", f"r.insurance_type IS NULL OR r.insurance_type NOT IN {codes('insurance_type')}"),
        ("employer_uscc", f"NOT {firm('upper(trim(r.employer_uscc))')}"),
        ("month", "NOT regexp_full_match(r.month, '[0-9]{4}(0[1-9]|1[0-2])')"),
        ("base", "r.base < 0 OR r.base > 1000000"),
        ("status", f"r.status IS NULL OR r.status NOT IN {codes('enrolment')}"),
    )
    return typed, problems, f"read_parquet('{path}')"


def water(path: Path) -> tuple[str, str, str]:
    """Readings of water meters."""
    at = "TRY_CAST(r.ts || '+08:00' AS TIMESTAMPTZ)"
    typed = (
        "meter_no, TRY_CAST(ts || '+08:00' AS TIMESTAMPTZ) AS ts, TRY_CAST(reading AS DECIMAL(18, 3)) AS reading, "
        "TRY_CAST(usage AS DECIMAL(18, 3)) AS usage, quality"
    )
    reading, usage = "TRY_CAST(r.reading AS DECIMAL(18, 3))", "TRY_CAST(r.usage AS DECIMAL(18, 3))"
    problems = told(
        ("meter_no", "r.meter_no IS NULL OR length(r.meter_no) > 20"),
        ("ts", f"{at} IS NULL"),
        ("reading", f"(r.reading IS NOT NULL AND {reading} IS NULL) OR {reading} < 0"),
        ("usage", f"(r.usage IS NOT NULL AND {usage} IS NULL) OR {usage} < 0 OR {usage} > 100000"),
        ("quality", f"length(r.quality) <> 1 OR r.quality NOT IN {codes('reading_quality')}"),
    )
    return typed, problems, _csv(path, ("meter_no", "ts", "reading", "usage", "quality"))


def power(path: Path) -> tuple[str, str, str]:
    """Readings of power meters, typed by the supplier."""
    typed = "trim(meter_no) AS meter_no, timezone('Asia/Shanghai', ts) AS ts, usage, peak, quality"
    problems = told(
        ("meter_no", "r.meter_no IS NULL OR length(r.meter_no) > 20"),
        ("ts", "r.ts IS NULL"),
        ("usage", "r.usage IS NULL OR r.usage < 0 OR r.usage > 1000000"),
        ("peak", "r.peak < 0"),
        ("quality", f"length(r.quality) <> 1 OR r.quality NOT IN {codes('reading_quality')}"),
        ("peak_le_usage", "r.peak > r.usage"),
    )
    return typed, problems, f"read_parquet('{path}')"


def firms(path: Path) -> tuple[str, str, str]:
    """Registered firms."""
    names = (
        "uscc", "name", "type", "legal_person", "capital", "established", "scope", "address", "industry", "status",
    )  # fmt: skip
    typed = (
        "upper(uscc) AS uscc, name, type, legal_person, TRY_CAST(capital AS DECIMAL(18, 2)) AS capital, "
        "TRY_CAST(established AS DATE) AS established, scope, address, industry, status"
    )
    capital, since = "TRY_CAST(r.capital AS DECIMAL(18, 2))", "TRY_CAST(r.established AS DATE)"
    problems = told(
        ("uscc", f"r.uscc IS NULL OR NOT {firm('upper(r.uscc)')}"),
        ("name", "r.name IS NULL OR length(r.name) > 200"),
        ("type", f"r.type IS NULL OR r.type NOT IN {codes('firm_type')}"),
        ("legal_person", "r.legal_person IS NULL OR length(r.legal_person) > 50"),
        ("capital", f"(r.capital IS NOT NULL AND {capital} IS NULL) OR {capital} < 0"),
        ("established", f"{since} IS NULL OR {since} < DATE '1900-01-01'"),
        ("scope", "length(r.scope) > 2000"),
        ("address", "r.address IS NULL OR length(r.address) > 200"),
        ("industry", f"r.industry NOT IN {codes('industry')}"),
        ("status", f"r.status IS NULL OR r.status NOT IN {codes('firm_status')}"),
    )
    return typed, problems, _csv(path, names)


SETS: Final[dict[str, Callable[[Path], tuple[str, str, str]]]] = {
    "ga_population": population, "rs_insurance": insurance, "gy_water_usage": water, "gy_power_usage": power,
    "sj_enterprise": firms,
}  # fmt: skip


def run(code: str, path: Path, folder: Path, memory: str = "2GB") -> dict[str, int]:
    """Check a file and write good and bad rows; return how many of each, and how many came twice alike."""
    good, bad = folder / "bare-good.parquet", folder / "bare-bad.parquet"
    typed, problems, source = SETS[code](path)
    keys = ", ".join(KEYS[code])
    spill = {"memory_limit": memory, "threads": "2", "temp_directory": str(folder / "bare-spill")}
    with duckdb.connect(config=spill) as link:
        link.execute("SET preserve_insertion_order = false; SET TimeZone = 'UTC'")
        link.execute(f"CREATE TEMP TABLE regions AS SELECT unnest([{codes('region12')[1:-1]}]) AS code")
        link.execute(
            "CREATE TEMP TABLE checked AS SELECT * EXCLUDE (r), CASE WHEN problems <> '' THEN to_json(r)::VARCHAR END "
            f"AS raw FROM (SELECT {typed}, {problems} AS problems, r FROM {source} r)"
        )
        link.execute(
            "CREATE TEMP VIEW good AS SELECT * EXCLUDE (problems, raw) FROM checked WHERE problems = ''"
        )
        wrong = link.execute("SELECT count(*) FROM checked WHERE problems <> ''").fetchone()[0]
        total, different = link.execute(f"SELECT count(*), count(DISTINCT hash({keys})) FROM good").fetchone()
        repeated, rows = 0, "SELECT * FROM good"
        torn = "SELECT NULL AS problems, NULL AS raw WHERE false"
        if total != different:
            link.execute(
                f"CREATE TEMP TABLE twice AS SELECT {keys} FROM good GROUP BY ALL HAVING count(*) > 1"
            )
            link.execute(f"CREATE TEMP TABLE again AS SELECT * FROM good SEMI JOIN twice USING ({keys})")
            link.execute("CREATE TEMP TABLE once AS SELECT DISTINCT * FROM again")
            link.execute(
                f"CREATE TEMP TABLE torn AS SELECT {keys} FROM once GROUP BY ALL HAVING count(*) > 1"
            )
            torn = f"SELECT '{keys}' AS problems, to_json(a)::VARCHAR AS raw FROM again a SEMI JOIN torn USING ({keys})"
            rows = (
                f"SELECT * FROM good ANTI JOIN twice USING ({keys}) UNION ALL "
                f"SELECT * FROM once ANTI JOIN torn USING ({keys})"
            )
        kept = link.execute(f"COPY ({rows}) TO '{good}' (FORMAT parquet, COMPRESSION zstd)").fetchone()[0]
        rows = f"SELECT problems, raw FROM checked WHERE problems <> '' UNION ALL {torn}"
        aside = link.execute(f"COPY ({rows}) TO '{bad}' (FORMAT parquet)").fetchone()[0]
        repeated = total - kept - (aside - wrong)
    return {"rows_good": kept, "rows_bad": aside, "repeated": repeated}

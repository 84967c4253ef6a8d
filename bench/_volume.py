"""Files of a day of exchange, made up: data sets of the shipped catalogue with right numbers, and some that aren't.

Every maker is one DuckDB statement over `range(N)`; the same rows for the same N. Of each set about one row in 250
breaks a rule (a check digit, a code, a range, a date, a rule between fields), one in 1,000 comes twice the same, and
one in 5,000 twice with another value. A CSV has the catalogue's Chinese names as its header, as exports have;
Parquet has the fields' names and types.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb

PEOPLE: Final = 4_000_000  # whom the rows of persons are about
REGIONS: Final = 6_424  # codes of districts, streets and communities in a city such as Tianjin
# Numbers with their check digits, from the columns p17 and f17: staged, for a macro would be spelt out in each place.
_PERSON: Final = "p17 || substr('10X98765432', 1 + (({}) % 11)::INTEGER, 1)"
_FIRM: Final = "f17 || substr('0123456789ABCDEFGHJKLMNPQRTUWXY', 1 + ((31 - ({}) % 31) % 31)::INTEGER, 1)"
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def region(i: str) -> str:
    """Return the SQL of a community's code, 12 digits."""
    return f"'98' || lpad((1 + ({i}) % {REGIONS})::VARCHAR, 4, '0') || '001001'"


MACROS: Final = (
    "CREATE MACRO person17(i) AS '980101' || strftime(DATE '1935-01-01' + (i % 30000)::INTEGER, '%Y%m%d') "
    "|| lpad(((i // 30000) % 1000)::VARCHAR, 3, '0')",
    "CREATE MACRO firm17(i) AS '91980101' || lpad((i % 1000000000)::VARCHAR, 9, '0')",
    "CREATE MACRO given(i) AS substr('王李张刘陈杨黄赵吴周', 1 + (i % 10)::INTEGER, 1) "
    "|| substr('伟芳娜秀敏静丽强磊军洋勇艳杰娟涛明超兰霞', 1 + (i // 10 % 20)::INTEGER, 1) "
    "|| substr('建文国春玉海志晓', 1 + (i // 200 % 8)::INTEGER, 1)",
    "CREATE MACRO scattered(i, n) AS (hash(i) % n)::BIGINT",
    "CREATE MACRO moment(i) AS TIMESTAMP '2026-11-20 00:00:00' + to_seconds((i % 86400)::INTEGER)",
)


@dataclass(frozen=True)
class Made:
    """A made-up data set. `rows` is SQL over `i`; `wrong` changes of columns by SQL, where `i % m = r`."""

    code: str
    form: str
    columns: Mapping[str, str]
    wrong: tuple[tuple[int, int, str, str], ...]
    torn: str
    """The column in which a row that comes twice differs."""
    person: str = ""
    """SQL of the number of the person whose identity number is the column `p`, and the same of a firm's `f`."""
    firm: str = ""


def _texts(**columns: str) -> Mapping[str, str]:
    return columns


SETS: Final = {
    one.code: one
    for one in (
        Made(
            "ga_population", "csv",
            _texts(
                id_no="p", name="given(i)",
                sex="CASE WHEN ascii(substr(p, 17, 1)) % 2 = 1 THEN '1' ELSE '2' END",
                birth_date="strftime(DATE '1935-01-01' + (i % 30000)::INTEGER, '%Y-%m-%d')",
                ethnic="CASE WHEN i % 11 = 0 THEN '03' ELSE '01' END", hukou_region=region("scattered(i, 6424)"),
                hukou_address="'津海市第' || (i % 16) || '区建国道' || (i % 997) || '号' || (i % 30) || '门'",
                household_no="lpad((i // 3)::VARCHAR, 9, '0')",
                relation="CASE WHEN i % 3 = 0 THEN '01' ELSE '10' END",
                alive="CASE WHEN i % 50 = 0 THEN '0' ELSE '1' END",
                updated_at="strftime(moment(i), '%Y-%m-%d %H:%M:%S')",
            ),
            (
                (500, 7, "id_no", "substr(p, 1, 17) || CASE WHEN p[18] = '1' THEN '2' ELSE '1' END"),
                (1500, 11, "birth_date", "'1990-02-30'"), (1500, 13, "sex", "'3'"), (3000, 17, "name", "NULL"),
                (3000, 19, "household_no", "'12'"), (5000, 23, "ethnic", "'99'"),
            ),
            "hukou_address", person="i",
        ),
        Made(
            "rs_insurance", "parquet",
            _texts(
                id_no="p", name="given(i)",
                insurance_type="(['310', '390', '410', '510'])[1 + (i // 4000000 % 4)]",
                employer_uscc="f", month="'202611'", base="(3000 + i % 20000)::DECIMAL(18, 2)",
                status="CASE WHEN i % 40 = 0 THEN '2' ELSE '1' END",
            ),
            (
                (500, 7, "id_no", "'980101199002301234'"), (1500, 11, "employer_uscc", "'91980101000000000I'"),
                (1500, 13, "base", "-1"), (2000, 17, "month", "'202613'"),
            ),
            "base", person="i * 7 % 4000000", firm="i % 900000",
        ),
        Made(
            "gy_water_usage", "csv",
            _texts(
                meter_no="'W' || lpad((i // 4)::VARCHAR, 10, '0')",
                ts="strftime(moment(i % 4 * 21600), '%Y-%m-%d %H:%M:%S')",
                reading="(scattered(i, 9000000) / 1000.0)::DECIMAL(18, 3)::VARCHAR",
                usage="(scattered(i + 1, 700) / 1000.0)::DECIMAL(18, 3)::VARCHAR",
                quality="CASE WHEN i % 90 = 0 THEN '2' ELSE '1' END",
            ),
            (
                (500, 7, "usage", "'-0.200'"), (1500, 11, "ts", "'2026-11-31 06:00:00'"),
                (1500, 13, "quality", "'Z'"), (3000, 17, "reading", "'n.a.'"),
            ),
            "usage",
        ),
        Made(
            "gy_power_usage", "parquet",
            _texts(
                meter_no="'P' || lpad((i // 4)::VARCHAR, 10, '0')",
                ts="TIMESTAMP '2026-11-20 00:00:00' + to_hours((i % 4 * 6)::INTEGER)",
                usage="(1 + scattered(i, 9000) / 1000.0)::DECIMAL(18, 3)",
                peak="(scattered(i + 1, 900) / 1000.0)::DECIMAL(18, 3)",
                quality="CASE WHEN i % 90 = 0 THEN '2' ELSE '1' END",
            ),
            ((500, 7, "usage", "-0.2"), (1500, 11, "peak", "99999"), (1500, 13, "quality", "'Z'")),
            "usage",
        ),
        Made(
            "ga_traffic_flow", "csv",
            _texts(
                link_id="'L' || lpad((i // 288)::VARCHAR, 6, '0')",
                ts="strftime(moment(i % 288 * 300), '%Y-%m-%d %H:%M:%S')",
                flow="scattered(i, 400)::VARCHAR", speed="(10 + scattered(i, 700) / 10.0)::DECIMAL(6, 1)::VARCHAR",
                congestion_idx="(1 + scattered(i, 90) / 10.0)::DECIMAL(4, 1)::VARCHAR",
                occupancy="(scattered(i, 1000) / 10.0)::DECIMAL(4, 1)::VARCHAR",
            ),
            ((500, 7, "flow", "'-3'"), (1500, 11, "speed", "'999'"), (1500, 13, "ts", "'not yet'")),
            "flow",
        ),
        Made(
            "wj_venue_scan", "csv",
            _texts(
                scan_id="'S20261120' || lpad(i::VARCHAR, 12, '0')",
                venue_code="'V' || lpad(scattered(i, 80000)::VARCHAR, 8, '0')",
                id_no="p", scan_at="strftime(moment(i * 31), '%Y-%m-%d %H:%M:%S')",
                color="'1'", companion="CASE WHEN i % 20 = 0 THEN '1' ELSE '0' END", delete_after="'2026-12-20'",
            ),
            (
                (500, 7, "id_no", "'张三'"), (1500, 11, "color", "'紫'"), (1500, 13, "delete_after", "'2026-13-01'"),
                (3000, 17, "venue_code", "NULL"),
            ),
            "venue_code", person="scattered(i, 4000000)",
        ),
        Made(
            "sj_enterprise", "csv",
            _texts(
                uscc="f", name="'津海市' || given(i) || given(i // 7) || '贸易有限公司'", type="'1130'",
                legal_person="given(i * 3)", capital="(10000 + i % 5000000)::VARCHAR || '.00'",
                established="strftime(DATE '1995-01-01' + (i % 11000)::INTEGER, '%Y-%m-%d')",
                scope="'日用百货、五金交电、电子产品、办公用品批发兼零售;货物及技术进出口;商务信息咨询服务(依法须经批准的项目,经相关部门批准后方可开展经营活动)'",
                address="'津海市第' || (i % 16) || '区建国道' || (i % 997) || '号'", industry="'C1311'", status="'01'",
            ),
            (
                (500, 7, "uscc", "'91980101000000000O'"), (1500, 11, "capital", "'-1'"),
                (1500, 13, "established", "'1995-00-00'"), (3000, 17, "name", "NULL"),
            ),
            "address", firm="i",
        ),
    )
}  # fmt: skip


def rows_sql(one: Made, rows: int) -> str:
    """Return the statement of all rows: the clean ones with faults, then those that come again."""
    columns = []
    for name, sql in one.columns.items():
        cases = "".join(
            f" WHEN i % {every} = {rest} THEN {bad}" for every, rest, of, bad in one.wrong if of == name
        )
        columns.append(f"{f'CASE{cases} ELSE {sql} END' if cases else sql} AS {name}")
    picked = ", ".join(columns)
    again = rows // 1000
    first = rows - again
    twice = {one.torn: f"CASE WHEN i % 5000 = 1 THEN {_other(one)} ELSE {one.columns[one.torn]} END"}
    torn = ", ".join(f"{twice.get(name, sql)} AS {name}" for name, sql in one.columns.items())
    return (
        f"SELECT {picked} FROM {_based(one, f'range({first}) t(i)')} UNION ALL "
        f"SELECT {torn} FROM {_based(one, f'(SELECT i * 1000 + 1 AS i FROM range({again}) t(i))')}"
    )


def _based(one: Made, rows: str) -> str:
    """Return the rows with the numbers `p` and `f` that the set's columns are made of."""
    weighed = " + ".join(
        f"(ascii(substr(p17, {n}, 1)) - 48) * {weight}" for n, weight in enumerate(_WEIGHTS, 1)
    )
    powers = " + ".join(f"(ascii(substr(f17, {n + 1}, 1)) - 48) * {pow(3, n, 31)}" for n in range(17))
    if one.person:
        rows = f"(SELECT *, {_PERSON.format(weighed)} AS p FROM (SELECT *, person17({one.person}) AS p17 FROM {rows}))"
    if one.firm:
        rows = (
            f"(SELECT *, {_FIRM.format(powers)} AS f FROM (SELECT *, firm17({one.firm}) AS f17 FROM {rows}))"
        )
    return rows


def _other(one: Made) -> str:
    """Return another value for the column in which a row differs that comes again."""
    sql = one.columns[one.torn]
    if one.form == "parquet":
        return f"({sql}) + 1"
    return {"flow": "'999'", "usage": "'0.909'"}.get(one.torn, f"{sql} || 'A'")


def people_sql(count: int) -> str:
    """Return the statement of the identity numbers of the first people."""
    some = Made("people", "parquet", {}, (), "", person="i")
    return f"SELECT p FROM {_based(some, f'range({count}) t(i)')}"


def write(code: str, rows: int, folder: Path, names: Mapping[str, str]) -> Path:
    """Write a set's file; `names` are the columns' names by field, for the header of a CSV."""
    one = SETS[code]
    path = folder / f"{code}-{rows}.{one.form}"
    if path.exists():
        return path
    made = path.with_suffix(".making")
    with duckdb.connect(config={"threads": 2, "memory_limit": "3GB"}) as link:
        for macro in MACROS:
            link.execute(macro)
        sql = rows_sql(one, rows)
        if one.form == "csv":
            headed = ", ".join(f'{name} AS "{names[name]}"' for name in one.columns)
            link.execute(f"COPY (SELECT {headed} FROM ({sql})) TO '{made}' (FORMAT csv, HEADER true)")
        else:
            link.execute(f"COPY ({sql}) TO '{made}' (FORMAT parquet, COMPRESSION snappy)")
    made.replace(path)
    return path

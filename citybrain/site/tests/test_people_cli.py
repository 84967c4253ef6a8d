import json

import openpyxl
import pytest
from click.testing import CliRunner

from citybrain.base.identity.models import Person
from citybrain.base.identity.tests.conftest import City, _hashers, city
from citybrain.site.cli.people import people

__all__ = ["_hashers", "city"]


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(people, list(words))
    return done.exit_code, done.output


def test_an_account_is_opened_given_a_role_and_a_password(city: City) -> None:
    code, out = run(
        "add", "sunjie", "孙杰", "subdistrict-980101001", "--phone", "13800138000", "--password", "--json"
    )
    assert code == 0
    [made] = json.loads(out)
    assert Person.objects.get(login="sunjie").check_password(made["password"])

    code, out = run("grant", "sunjie", "acceptor", "980101001", "--until", "2099-12-31", "--json")
    [given] = json.loads(out)
    _code, out = run("list", "--text", "sj", "--json")
    assert json.loads(out)[0]["roles"] == [f"acceptor@980101001#{given['grant']}"]
    assert run("revoke", str(given["grant"]), "--reason", "调岗") == (0, "")
    assert run("sessions", "sunjie", "--json") == (0, "[]\n")


def test_what_cannot_be_is_one_line_and_a_code(city: City) -> None:
    assert run("add", "1x", "孙杰", "subdistrict-980101001") == (
        1, "citybrain: login: 登录名“1x”不合要求：以字母开头，3 至 40 位小写字母、数字、点、横线或下划线。\n",
    )  # fmt: skip
    code, out = run("grant", "nobody", "acceptor", "980101001")
    assert (code, "no officer has the login 'nobody'" in out) == (2, True)
    code, out = run("add", "sunjie", "孙杰", "castle")
    assert (code, "no agency has the key 'castle'" in out) == (2, True)


def test_a_template_filled_in_is_imported_with_a_receipt(city: City, tmp_path) -> None:
    file, receipt = tmp_path / "people.xlsx", tmp_path / "receipt.xlsx"
    assert run("template", str(file)) == (0, "")
    book = openpyxl.load_workbook(file)
    for column, value in enumerate(("孙杰", "sunjie", "", "建国街道办事处", "受理员"), start=1):
        book["人员"].cell(2, column).value = value
    book["人员"].cell(3, 2).value = "zhouming"
    book.save(file)

    code, out = run("import", str(file), "--receipt", str(receipt), "--passwords", "--json")

    done = json.loads(out)
    assert (code, done["counts"]) == (1, {"created": 1, "refused": 1})
    rows = list(openpyxl.load_workbook(receipt).active.iter_rows(values_only=True))
    assert Person.objects.get(login="sunjie").check_password(rows[1][6])
    assert receipt.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "command", ["import", "list", "add", "grant", "revoke", "reset-password", "sessions"]
)
def test_every_command_explains_itself(command: str) -> None:
    code, out = run(command, "--help")
    assert (code, "Usage:" in out) == (0, True)

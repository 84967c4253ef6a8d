"""The house's own rules and small tools: direction of models, sizes, ports, environment, files for browsers."""

import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from cryptography import x509

from citybrain.site import certificate, checks, cli, env, ports, vendor
from citybrain.site.children import how
from citybrain.site.database import without_password
from citybrain.site.postgres import free_port
from citybrain.site.tests.conftest import ROOT, citybrain


@pytest.mark.parametrize(
    ("source", "target", "may"),
    [
        ("hub.cases", "base.identity", True),
        ("base.identity", "base.areas", True),
        ("base.areas", "base.identity", False),
        ("base.ledger", "base.worktime", False),
        ("base.worktime", "base.ledger", False),
        ("base.identity", "hub.cases", False),
        ("faces.portal", "hub.cases", True),
        ("faces.portal", "faces.desk", False),
        ("hub.cases", "sample", False),
        ("sample", "hub.cases", True),
        ("sample", "faces.desk", False),
        ("hub.cases", "hub.cases", True),
    ],
)
def test_a_model_may_point_only_to_rooms_below_its_own(source, target, may):
    assert checks.may_point(source, target) is may


def test_no_model_of_the_house_points_up_or_sideways():
    assert checks.relation_direction(None) == []


def test_rooms_are_named_after_their_module():
    assert checks.room_of("citybrain.base.areas.models") == "base.areas"
    assert checks.room_of("citybrain.hub.cases.models.case") == "hub.cases"
    assert checks.room_of("citybrain.sample.models") == "sample"
    assert checks.room_of("django.contrib.auth.models") == ""


def test_a_bad_setting_says_its_name_and_value(monkeypatch):
    monkeypatch.setenv("CITYBRAIN_PORT", "eighty")
    with pytest.raises(env.BadSetting, match="CITYBRAIN_PORT='eighty': a whole number is needed"):
        env.integer("CITYBRAIN_PORT", 8000)
    monkeypatch.setenv("CITYBRAIN_PORT", "70000")
    with pytest.raises(env.BadSetting, match="must be between 1 and 65535"):
        env.integer("CITYBRAIN_PORT", 8000, least=1, most=65535)
    monkeypatch.setenv("CITYBRAIN_TLS", "perhaps")
    with pytest.raises(env.BadSetting, match="CITYBRAIN_TLS='perhaps'"):
        env.flag("CITYBRAIN_TLS")


def test_a_taken_port_is_told_with_the_variable_that_chooses_another():
    port = free_port()
    ports.need("127.0.0.1", port, "CITYBRAIN_PORT", seconds=0)
    with socket.socket() as taker:
        taker.bind(("127.0.0.1", port))
        taker.listen()
        with pytest.raises(
            ports.PortTakenError, match=f"port {port} is taken.*CITYBRAIN_PORT={port + 10} make run"
        ):
            ports.need("127.0.0.1", port, "CITYBRAIN_PORT", seconds=0)
        assert ports.free_from("127.0.0.1", port) > port


def test_a_shown_address_has_no_password():
    assert without_password("postgresql://u:secret@h:5432/d") == "postgresql://u:…@h:5432/d"
    assert without_password("postgresql://u@h/d") == "postgresql://u@h/d"


def test_an_exit_code_is_told_in_words():
    assert (how(3), how(-9), how(-15)) == ("exit code 3", "SIGKILL", "SIGTERM")


def test_every_group_of_the_command_line_is_listed_and_has_help():
    listed = CliRunner().invoke(cli.main, ["--help"])
    assert listed.exit_code == 0
    names = {
        "areas",
        "backup",
        "cases",
        "doctor",
        "init",
        "items",
        "ledger",
        "people",
        "restore",
        "sample",
        "up",
    }
    assert names <= set(re.findall(r"^  (\w+)", listed.output, re.MULTILINE))
    for name in names:
        shown = CliRunner().invoke(cli.main, [name, "--help"])
        assert shown.exit_code == 0, shown.output
        assert "Usage:" in shown.output


def test_a_database_that_is_no_postgresql_is_refused_in_one_line(home):
    done = citybrain(home, "backup", home / "x.zip", DATABASE_URL="mysql://u@h/d")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "mysql" in done.stderr


def test_a_database_that_does_not_answer_is_told_without_its_password(home):
    url = f"postgresql://u:secret@127.0.0.1:{free_port()}/d"
    done = citybrain(home, "backup", home / "x.zip", DATABASE_URL=url)
    assert done.returncode == 1
    assert "doesn't answer" in done.stderr
    assert "secret" not in done.stderr


@pytest.fixture
def modules(tmp_path):
    """An npm folder with every file that is copied."""
    folder = tmp_path / "node_modules"
    for name in vendor.FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"/* {name} */\n//# sourceMappingURL=x.js.map\n")
    icons = folder / "@tabler" / "icons" / "icons" / "outline"
    icons.mkdir(parents=True)
    (icons / "camera.svg").write_text('<svg\n x="1">\n  <path d="M1 1" />\n</svg>')
    return folder


def test_browser_files_are_copied_without_their_source_maps_and_strangers_are_removed(modules, tmp_path):
    target = tmp_path / "static"
    target.mkdir()
    (target / "left-over.js").write_text("old")
    vendor.copy_files(modules, target)
    assert {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()} == set(
        vendor.FILES.values()
    )
    assert "sourceMappingURL" not in (target / "htmx.min.js").read_text()


def test_a_missing_package_says_what_to_run_and_writes_nothing(modules, tmp_path):
    (modules / "echarts/dist/echarts.min.js").unlink()
    with pytest.raises(vendor.MissingPackageError, match=r"echarts.min.js is not there; run `npm ci`"):
        vendor.copy_files(modules, tmp_path / "static")
    assert not (tmp_path / "static").exists()


def test_the_sprite_holds_the_listed_icons_and_an_unknown_one_is_refused_with_near_names(modules, tmp_path):
    faces = tmp_path / "faces"
    (faces / "desk").mkdir(parents=True)
    (faces / "desk" / "icons.txt").write_text("# for the desk\ncamera\n\ncamera\n")
    assert vendor.write_sprite(modules, faces, tmp_path) == 1
    assert '<symbol id="camera" viewBox="0 0 24 24"' in (tmp_path / "icons.svg").read_text()
    (faces / "desk" / "icons.txt").write_text("camra\n")
    with pytest.raises(vendor.MissingPackageError, match=r"no icon 'camra'; near names: camera"):
        vendor.write_sprite(modules, faces, tmp_path)


def test_the_lock_files_have_hashes_and_no_address():
    for name in ("core", "dev"):
        text = (ROOT / "requirements" / f"{name}.txt").read_text()
        pinned = re.findall(r"^[a-zA-Z0-9._-]+==", text, re.MULTILINE)
        assert len(pinned) > 10
        assert text.count("--hash=sha256:") > len(pinned)
        assert "://" not in text
    npm = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in npm
    assert npm.count('"integrity"') >= 10


def test_a_local_certificate_names_the_hosts_is_kept_and_made_anew_before_it_ends(tmp_path):
    paths = tmp_path / "tls" / "certificate.pem", tmp_path / "tls" / "key.pem"
    now = datetime(2026, 5, 1, tzinfo=UTC)
    assert certificate.ensure_local(*paths, ["127.0.0.1", "[::1]", "localhost", ".city.example"], now)
    made = x509.load_pem_x509_certificate(paths[0].read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "*.city.example"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]
    assert paths[1].stat().st_mode & 0o777 == 0o600
    assert not certificate.ensure_local(*paths, ["localhost"], now + timedelta(days=300))
    assert certificate.ensure_local(*paths, ["localhost"], now + timedelta(days=380))


def test_a_missing_tool_is_named_with_the_package_that_has_it(tmp_path):
    """Set-up with an empty PATH: node isn't found, and nothing is installed."""
    script = (
        "import sys; sys.path.insert(0, 'tools'); import prepare\n"
        "prepare.need_node()\n"
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "node is missing: " in done.stderr
    assert "apt-get install -y nodejs npm" in done.stderr


def test_a_file_or_function_that_grew_too_long_is_named(tmp_path):
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        import sizes
    finally:
        sys.path.pop(0)
    long = "def f():\n" + "    x = 1\n" * 61
    assert list(sizes.findings(tmp_path, long)) == [f"{tmp_path}:1: f has 62 lines (at most 60)"]
    assert list(sizes.findings(tmp_path, "X = [\n" + "    1,\n" * 500 + "]\n")) == []
    found = list(sizes.findings(tmp_path, "def f(): ...\n" * 401))
    assert found[0].startswith(f"{tmp_path}: 401 lines")

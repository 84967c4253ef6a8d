"""`citybrain doctor`."""

import sys

import click

from citybrain.site import doctor as checks


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(as_json: bool) -> None:
    """Look the installation over and say what to do about each finding.

    Changes nothing. Exit code 0 when everything is well or only noted, 1 when something
    must be done.
    """
    findings = checks.examine()
    if as_json:
        click.echo(checks.to_json(findings))
    else:
        width = max(len(finding.subject) for finding in findings) + 2
        for finding in findings:
            mark = {"well": "ok  ", "note": "note", "fault": "FAIL"}[finding.state]
            click.echo(f"{mark}  {finding.subject:<{width}}{finding.says}")
            if finding.remedy:
                click.echo(f"      {'':<{width}}→ {finding.remedy}")
    sys.exit(1 if any(finding.state == "fault" for finding in findings) else 0)

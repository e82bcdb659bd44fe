"""Ends with 1 where bandit finds something new, a package has a known flaw, or the API let somebody in."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TOOLS = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".cache" / "audit-env") / "bin"
_CODE = ("liontrack_stream", "agents", "tables", "deploy")
_NOT_OURS = "liontrack_stream/views/web_app,liontrack_stream/views/static,deploy/node-producer"
# What bandit finds and a person has judged: (rule, file) -> why it is no flaw.
JUDGED = {
    ("B104", "deploy/jupyter/jupyter_server_config.py"): "of the container; compose publishes the port on loopback",
    ("B104", "liontrack_stream/doctor/surroundings.py"): "an address that is looked for, not bound to",
    ("B310", "liontrack_stream/commands/demo.py"): "our own address, http by construction",
    (
        "B608",
        "liontrack_stream/lake/query.py",
    ): "names are the catalog's, paths are quoted, DuckDB is closed to files next",
    ("B701", "liontrack_stream/report/pages.py"): "on for HTML; Markdown has an escape of its own, with a test",
}
NEGATIVE = (
    "tests/views/test_access_matrix.py",
    "tests/views/analytics/test_parameters.py",
    "tests/views/test_positions.py",
    "tests/views/test_rate_limit.py",
    "tests/views/test_secret_strength.py",
    "tests/views/test_ingest.py",
    "tests/views/test_proxy.py",
    "tests/views/export/test_generalised.py",
    "tests/views/export/test_manners.py",
)


def bandit() -> list[str]:
    """Findings of medium weight or more that nobody has judged."""
    command = [_TOOLS / "bandit", "-q", "-ll", "-f", "json", "-x", _NOT_OURS, "-r", *_CODE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    found = [(one["test_id"], one["filename"].removeprefix("./"), one) for one in report["results"]]
    new = [
        f"{file}:{one['line_number']}: {rule}: {one['issue_text']}"
        for rule, file, one in found
        if (rule, file) not in JUDGED
    ]
    lines = report["metrics"]["_totals"]["loc"]
    print(f"bandit: {lines:,} lines, {len(found)} findings judged or new, {len(new)} new")
    return new


def known_flaws() -> list[str]:
    """Packages of the lock with a known flaw; says so where no database can be asked."""
    command = [_TOOLS / "pip-audit", "-r", "requirements.lock", "--disable-pip", "--require-hashes", "-f", "json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        packages = []
    asked = [one for one in packages if "vulns" in one]
    if not asked:
        print("pip-audit: no database of flaws is at hand here, nothing was checked")
        return []
    flaws = [f"{one['name']} {one['version']}: {flaw['id']}" for one in asked for flaw in one["vulns"]]
    print(f"pip-audit: {len(asked)} packages asked for, {len(flaws)} known flaws")
    return flaws


def refusals() -> list[str]:
    """What the API's negative tests say, a line each test."""
    report = ROOT / ".cache" / "audit.xml"
    report.parent.mkdir(exist_ok=True)
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", "-p", "no:cacheprovider", *NEGATIVE],
        cwd=ROOT, stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    cases, failed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for case in ET.parse(report).getroot().iter("testcase"):
        name = (case.get("classname", "").removeprefix("tests.views."), case.get("name", "").partition("[")[0])
        cases[name] += 1
        failed[name] += case.find("failure") is not None or case.find("error") is not None
    print("\n| what is refused, or not told | cases | failed |\n|---|---:|---:|")
    for (module, test), count in sorted(cases.items()):
        print(f"| {module.removeprefix('test_')}: {test.removeprefix('test_').replace('_', ' ')} | {count} | "
              f"{failed[module, test]} |")  # fmt: skip
    print(f"| all | {sum(cases.values())} | {sum(failed.values())} |\n")
    return [f"{module}.{test}: {count} failed" for (module, test), count in failed.items() if count]


def main() -> int:
    """All three; what is wrong is named at the end."""
    wrong = [*bandit(), *known_flaws(), *refusals()]
    print(*(wrong or ["Nothing found."]), sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

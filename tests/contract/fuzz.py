"""Calls every operation of the API's description with valid and invalid input, and checks each answer against it.

Starts the product in one process on a data folder of its own, gives it leads and one of each thing that a path can name,
and lets schemathesis go over the document that it serves: once about things that are there, once with every part of a path
invented. Fails on an answer of 500, on a status, a header, a media type or a body that the description does not have, on
input that is taken although the description rules it out, on a part of a path that it has nothing for, and on an operation
that was not called.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import requests
import yaml

TENANT = "tenant_demo"
# What the description cannot say is told by the tests of each route: which of its words are valid at this moment.
UNCHECKED = ["positive_data_acceptance"]
# Whether what was just made is there. Paths that name given things say nothing of it: a call before may have removed those.
OF_WHAT_IS_MADE = "ensure_resource_availability"
# Streams do not end.
ENDLESS = r"/live$"
# The description itself is fetched to begin with, and is not among the operations that are reported.
DESCRIPTION = "/v1/openapi.json"
CHECKED_IN = pathlib.Path("docs/api/openapi.yaml")
HOT_LEADS = {"name": "Hot", "page": "leads", "search": "score_from=80", "is_shared": True}
# Small numbers are drawn often enough.
DRAWN = {"version"}
METHODS = ("get", "put", "post", "delete", "patch")
# The product shares the machine with others: an answer that is late is no fault.
PATIENCE = 60
# Their share of the time. One caller each: what a sequence of calls leaves behind is judged as if nobody else called (a
# second one would invite the same person, or remove what the first has just made), and Python's parser, which Hypothesis
# asks for its own sources, now and then fails in two threads at once ("AST constructor recursion depth mismatch").
PHASES = [("examples,coverage,fuzzing", 0.75), ("stateful", 0.25)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the program `pipeline`")
    parser.add_argument("--seconds", type=int, default=80, help="how long to go on, in all")
    parser.add_argument("--seed", type=int, default=20261127)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        product = Product(options.program, pathlib.Path(folder))
        try:
            return fuzz(product, options)
        finally:
            product.stop()


class Product:
    """The product, running."""

    def __init__(self, program: str, folder: pathlib.Path):
        self.program, self.folder = program, folder
        environment = os.environ | {
            "METRICS_PORT": "0",
            "API_CALLS_PER_MINUTE": "1000000",
            "API_CALLS_PER_MINUTE_OF_TENANT": "1000000",
            "LOG": "warn",
        }
        self.log = (folder / "product.log").open("wb")
        command = [program, "run", "--port", "0", "--data-dir", str(folder / "data")]
        self.process = subprocess.Popen(
            command, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        self.base = self.address()

    def address(self) -> str:
        file = self.folder / "data" / "server.json"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            if file.exists():
                return "http://" + json.loads(file.read_text())["address"]
            time.sleep(0.1)
        sys.exit("the product did not start:\n" + self.logged())

    def run(self, *arguments: str) -> str:
        command = [self.program, *arguments, "--data-dir", str(self.folder / "data")]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def logged(self) -> str:
        return (self.folder / "product.log").read_text(errors="replace")[-4000:]

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.log.close()


def fuzz(product: Product, options: argparse.Namespace) -> int:
    token = product.run("token", "--role", "platform_admin", "--minutes", "60")
    known = things(product, token)
    described = requests.get(f"{product.base}/v1/openapi.json", timeout=PATIENCE).json()
    # PyYAML reads YAML 1.1, as much of what is made for OpenAPI does.
    if yaml.safe_load(CHECKED_IN.read_text()) != described:
        print(f"{CHECKED_IN} is read as something else than what is served")
        return 1
    unknown = parts_of_paths(described) - known.keys() - DRAWN
    if unknown:
        print("add one of each of these to `things`:", ", ".join(sorted(unknown)))
        return 1
    half = max(options.seconds // 2, 10)
    failed = [
        what
        for what, parameters in [
            ("things that are there", known),
            ("things that are not", {}),
        ]
        if not schemathesis(product, token, parameters, half, options.seed, what)
    ]
    if product.process.poll() is not None:
        failed.append("the product ended")
    silent = operations(described) - called(product)
    if silent:
        failed.append("never called: " + ", ".join(sorted(silent)))
    if failed:
        print("failed:", ", ".join(failed), "\nthe product's log:\n" + product.logged())
    return 1 if failed else 0


def things(product: Product, token: str) -> dict[str, str]:
    """Makes one of each thing that a path can name; by the names of parameters."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    base = f"{product.base}/v1/tenants/{TENANT}"

    def call(method: str, path: str, body: object = None, **headers: str) -> dict:
        answer = session.request(method, f"{base}/{path}", json=body, headers=headers, timeout=PATIENCE)
        if not answer.ok:
            sys.exit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.content else {}

    def get(path: str) -> dict:
        return call("GET", path)

    for _ in range(3):
        product.run("send", "callrail")
    # The same person by another door, so that there is a link.
    caller = {"name": "Ann Whitfield", "phone": "+15125550142", "email": "ann@example.com"}
    call("POST", "leads", {"contact": caller, "message": "A new kitchen."})
    until(lambda: len(get("requests")["items"]) >= 4, "leads come in")
    # A form with a file, whose request stands for all.
    product.run("send", "webforms", "multipart")

    def with_file() -> dict:
        forms = get("requests?channel=form")["items"]
        details = [get("requests/" + form["request_id"]) for form in forms]
        return next((detail for detail in details if detail["documents"]), {})

    until(with_file, "a form's file is kept")
    form = with_file()
    source = get("sources")["items"][0]
    office = get("offices")["items"][0]["office_id"]
    config = requests.get(
        f"{base}/offices/{office}/config", headers=session.headers, timeout=PATIENCE
    )
    saved = {"config": config.json()["config"], "note": "as it was"}
    call("PUT", f"offices/{office}/config", saved, **{"If-Match": config.headers["ETag"]})
    view = "0199f3a1c2d47e5fb8a6123456789abc"
    call("PUT", f"views/{view}", HOT_LEADS)
    key = call("POST", "api-keys", {"name": "fuzz", "scopes": ["read"]})
    invited = call("POST", "invitations", {"email": "ann@example.com", "role": "viewer"})
    joined = call("POST", "invitations", {"email": "bob@example.com", "role": "viewer"})
    signed_in = requests.post(
        f"{product.base}/v1/sign-in",
        json={"code": joined["code"]},
        headers={"Origin": product.base},
        timeout=PATIENCE,
    )
    signed_in.raise_for_status()
    # A device is seen by whoever signed in there alone.
    devices = requests.get(
        f"{product.base}/v1/sign-in/devices", cookies=signed_in.cookies, timeout=PATIENCE
    ).json()
    job = call("POST", "jobs", {"kind": "redrive", "filter": {"all": True}}, **{"Idempotency-Key": "fuzz-1"})
    people = get("people")["items"]
    listed = get("requests")["items"]
    return {
        "tenant_id": TENANT,
        "request_id": form["request_id"],
        "document": next(iter(form["documents"])),
        "other_id": listed[-1]["request_id"],
        "event_id": get("events")["items"][0]["event_id"],
        "source_id": source["source_id"],
        "key": get("sources")["items"][0]["keys"][0],
        "connection": get("connections")["items"][0]["name"],
        "office_id": office,
        "view_id": view,
        "key_id": key["api_key"]["key_id"],
        "invitation_id": invited["invitation"]["invitation_id"],
        "user_id": people[0]["user_id"],
        "device_id": devices["items"][0]["device_id"],
        "job_id": job["job_id"],
        "provider": "webforms",
        "problem": "unauthorized",
    }


def until(is_so: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > deadline:
            sys.exit(f"waited in vain: {what}")
        time.sleep(0.2)


def operations(described: dict) -> set[str]:
    """Every operation that is fuzzed, as `GET /path`."""
    return {
        f"{method.upper()} {path}"
        for path, methods in described["paths"].items()
        for method in methods
        if method in METHODS and path != DESCRIPTION and not re.search(ENDLESS, path)
    }


def parts_of_paths(described: dict) -> set[str]:
    return {part for path in described["paths"] for part in re.findall(r"{(\w+)}", path)}


def called(product: Product) -> set[str]:
    """Every operation of which a report says that it was called."""
    found = set()
    for report in product.folder.glob("report-*.ndjson"):
        for line in report.read_text().splitlines():
            found |= set(re.findall(r'"label": ?"([A-Z]+ /[^"]*)"', line))
    return found


def schemathesis(
    product: Product, token: str, parameters: dict[str, str], seconds: int, seed: int, what: str
) -> bool:
    print(f"== {what}", flush=True)
    config = product.folder / "schemathesis.toml"
    lines = ["[parameters]"] + [
        f'"path.{name}" = {json.dumps(value)}' for name, value in parameters.items()
    ]
    config.write_text("\n".join(lines if parameters else []) + "\n")
    passed = True
    unchecked = UNCHECKED + ([OF_WHAT_IS_MADE] if parameters else [])
    for phases, share in PHASES:
        report = f"report-{len(parameters)}-{phases}.ndjson"
        command = [
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(config),
            "run",
            f"{product.base}/v1/openapi.json",
            "--header",
            f"Authorization: Bearer {token}",
            "--phases",
            phases,
            "--exclude-checks",
            ",".join(unchecked),
            "--exclude-path-regex",
            ENDLESS,
            "--max-time",
            str(max(int(seconds * share), 5)),
            "--seed",
            str(seed),
            "--report",
            "ndjson",
            "--report-ndjson-path",
            str(product.folder / report),
            "--request-timeout",
            str(PATIENCE),
            "--continue-on-failure",
            "--suppress-health-check",
            "all",
            "--no-shrink",
            "--warnings",
            "off",
        ]
        passed &= subprocess.run(command, cwd=product.folder).returncode == 0
    return passed


if __name__ == "__main__":
    sys.exit(main())

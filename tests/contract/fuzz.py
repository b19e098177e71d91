"""Calls every operation of the API's description with valid and invalid input, and checks each answer against it.

Starts the product in one process on a data folder of its own, gives it leads, and lets schemathesis go over the document
that it serves: once about things that are there, once with every part of a path invented. Fails on an answer of 500, on a
status, a header, a media type or a body that the description does not have, and on input that is taken although the
description rules it out.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import requests

TENANT = "tenant_demo"
# What the description cannot say is told by the tests of each route: which of its words are valid at this moment.
UNCHECKED = "positive_data_acceptance"
# Streams do not end.
ENDLESS = r"/live$"


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
    if failed:
        print("failed:", ", ".join(failed), "\nthe product's log:\n" + product.logged())
    return 1 if failed else 0


def things(product: Product, token: str) -> dict[str, str]:
    """Makes one of each thing that a path can name; by the names of parameters."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    base = f"{product.base}/v1/tenants/{TENANT}"

    def get(path: str) -> dict:
        answer = session.get(f"{base}/{path}", timeout=10)
        answer.raise_for_status()
        return answer.json()

    for _ in range(3):
        product.run("send", "callrail")
    deadline = time.monotonic() + 30
    while len(get("requests")["items"]) < 3 and time.monotonic() < deadline:
        time.sleep(0.2)
    source = get("sources")["items"][0]
    return {
        "tenant_id": TENANT,
        "request_id": get("requests")["items"][0]["request_id"],
        "event_id": get("events")["items"][0]["event_id"],
        "source_id": source["source_id"],
        "connection": get("connections")["items"][0]["name"],
    }


def schemathesis(
    product: Product, token: str, parameters: dict[str, str], seconds: int, seed: int, what: str
) -> bool:
    print(f"== {what}", flush=True)
    config = product.folder / "schemathesis.toml"
    lines = ["[parameters]"] + [
        f'"path.{name}" = {json.dumps(value)}' for name, value in parameters.items()
    ]
    config.write_text("\n".join(lines if parameters else []) + "\n")
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
        "examples,coverage,fuzzing,stateful",
        "--exclude-checks",
        UNCHECKED,
        "--exclude-path-regex",
        ENDLESS,
        "--max-time",
        str(seconds),
        "--seed",
        str(seed),
        "--request-timeout",
        "10",
        "--continue-on-failure",
        "--suppress-health-check",
        "all",
        "--no-shrink",
        "--warnings",
        "off",
        "--workers",
        "2",
    ]
    return subprocess.run(command, cwd=product.folder).returncode == 0


if __name__ == "__main__":
    sys.exit(main())

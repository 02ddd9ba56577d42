"""The little of the JUnit XML format that our runners write and tools/sum_results reads."""

import collections
import pathlib
import xml.etree.ElementTree as ET

# outcome: "passed", "failed" or "skipped"; text: why.
Case = collections.namedtuple("Case", "name outcome text")


def write(path, suite, cases):
    root = ET.Element("testsuites")
    element = ET.SubElement(root, "testsuite", name=suite)
    for case in cases:
        inner = ET.SubElement(element, "testcase", classname=suite, name=case.name)
        if case.outcome != "passed":
            ET.SubElement(inner, {"failed": "failure", "skipped": "skipped"}[case.outcome], message=case.text)
    ET.ElementTree(root).write(path, encoding="utf-8")


def read(path):
    """All cases of a file by us, GoogleTest or pytest; a file that is damaged is one failed case."""
    path = pathlib.Path(path)
    try:
        root = ET.parse(path).getroot()
    except ET.ParseError as error:
        return [Case(str(path), "failed", f"no readable result: {error}")]
    return [_case(element) for element in root.iter("testcase")]


def _case(element):
    name = f"{element.get('classname')}.{element.get('name')}"
    for tag, outcome in (("failure", "failed"), ("error", "failed"), ("skipped", "skipped")):
        found = element.find(tag)
        if found is not None:
            return Case(name, outcome, (found.get("message") or found.text or "").strip())
    # GoogleTest writes result="skipped" without an element when nothing was said.
    return Case(name, "skipped" if element.get("result") == "skipped" else "passed", "")

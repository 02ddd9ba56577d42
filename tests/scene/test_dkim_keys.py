"""`postrider dkim`: keys from the first to the next, in steps that look at the DNS."""

import datetime
import json
import re
import subprocess

import pytest

from harness.dkim import keys, records
from harness.dns import SERVFAIL
from harness.server import binary
from harness.tools import run


@pytest.fixture
def dns(make_dns):
    return make_dns({}, ttl=0)


@pytest.fixture
def server(make_server, dns):
    return make_server(start=False, hostname="mx.example.test", dns={"servers": [dns.server]})


def step(server, *arguments, code=0):
    """(step, keys, next) of a command that changes keys."""
    answer = json.loads(run(server, "dkim", *arguments, "--json", code=code)[0])
    return answer["step"], answer["keys"], answer["next"]


def states(server, *arguments):
    return {one["selector"]: one["state"] for one in keys(server, "list", "--no-dns", *arguments)}


def make_older(server, days):
    """All that stands in the list happened so many days earlier."""
    path = server.data_dir / "dkim/example.test.toml"

    def earlier(found):
        time = datetime.datetime.fromisoformat(found[2].replace("Z", "+00:00")) - datetime.timedelta(days=days)
        return f'{found[1]} = "{time.strftime("%Y-%m-%dT%H:%M:%SZ")}"'
    path.write_text(re.sub(r'(made|since) = "([^"]+)"', earlier, path.read_text()))


def test_new_keys_come_with_their_records_ready_to_paste(server):
    out, _ = run(server, "dkim", "add", "example.test")
    month = datetime.datetime.now(datetime.UTC).strftime("%Y%m")
    assert f"  name   rsa-{month}._domainkey.example.test\n  type   TXT\n  value  v=DKIM1; k=rsa; p=MIIB" in out
    assert f"  name   ed25519-{month}._domainkey.example.test\n" in out
    assert f"postrider dkim rotate example.test --config {server.config_path}" in out
    # A string has 255 octets at most.
    zone = {line.split(" ", 1)[0]: line for line in out.splitlines() if " IN TXT " in line}
    assert len(zone) == 2
    for line in zone.values():
        strings = re.findall(r'"([^"]*)"', line)
        assert all(len(one) <= 255 for one in strings) and "".join(strings) in out
    assert len(re.findall(r'"', zone[f"rsa-{month}._domainkey.example.test."])) == 4
    assert states(server) == {f"rsa-{month}": "published", f"ed25519-{month}": "published"}


def test_the_life_of_keys_goes_in_steps_each_after_a_look_at_the_dns(server, dns):
    first = keys(server, "add", "example.test")
    out, err = run(server, "dkim", "rotate", "example.test", code=1)
    assert out == "" and f"{first[0]['name']}: the DNS has no such record" in err
    assert set(states(server).values()) == {"published"}
    # One of them is there, the other is another's.
    dns.records.update(records(first[0]))
    dns.records[first[1]["name"]] = {"TXT": [first[1]["value"][:-8] + "AAAAAAA="]}
    err = run(server, "dkim", "rotate", "example.test", code=1)[1]
    assert first[0]["name"] not in err.splitlines()[1] and f"{first[1]['name']}: the DNS has" in err
    dns.records.update(records(*first))
    assert step(server, "rotate", "example.test")[0] == "signing"
    assert {one["dns"] for one in keys(server, "list")} == {"right"}

    what, second, _ = step(server, "rotate", "example.test")
    assert what == "published" and second[0]["selector"] == first[0]["selector"] + "-2"
    assert list(states(server).values()) == ["signing", "signing", "published", "published"]
    run(server, "dkim", "rotate", "example.test", code=1)
    dns.records.update(records(*second))
    what, _, then = step(server, "rotate", "example.test")
    assert what == "signing" and first[0]["name"] in then and first[1]["name"] in then
    assert list(states(server).values()) == ["retired", "retired", "signing", "signing"]

    assert step(server, "rotate", "example.test")[0] == "waiting"
    make_older(server, 6)
    assert step(server, "rotate", "example.test")[0] == "waiting"
    make_older(server, 1)
    what, gone, then = step(server, "rotate", "example.test")
    assert what == "removed" and [one["selector"] for one in gone] == [one["selector"] for one in first]
    assert "Take their records out of the DNS" in then and first[0]["name"] in then
    assert list(states(server)) == [one["selector"] for one in second]
    assert sorted(path.name for path in (server.data_dir / "dkim").glob("*.pem")) == sorted(
        f"{one['name']}.pem" for one in second)


def test_a_dns_that_does_not_answer_is_told_and_force_goes_on(server, dns):
    for key in keys(server, "add", "example.test", "--algorithm", "ed25519"):
        dns.records[key["name"]] = SERVFAIL
    assert "the DNS does not say: " in run(server, "dkim", "rotate", "example.test", code=1)[1]
    assert step(server, "rotate", "example.test", "--force")[0] == "signing"
    [key] = keys(server, "list")
    assert (key["dns"], key["state"], key["algorithm"], key["bits"]) == ("unknown", "signing", "ed25519-sha256", 256)


def test_keys_that_sign_are_removed_only_by_force(server):
    step(server, "add", "example.test", "--selector", "mine")
    assert set(states(server)) == {"mine-rsa", "mine-ed25519"}
    step(server, "rotate", "example.test", "--force")
    assert "mail is signed with s=mine-rsa, s=mine-ed25519 now" in run(server, "dkim", "remove", "example.test", code=1)[1]
    step(server, "remove", "example.test", "mine-rsa", "--force")
    assert set(states(server)) == {"mine-ed25519"}
    step(server, "remove", "example.test", "--force")
    assert [path.name for path in (server.data_dir / "dkim").iterdir()] == ["lock"]
    assert "there are no keys" in run(server, "dkim", "list", code=1)[1]


@pytest.mark.parametrize(("arguments", "code", "said"), [
    (("add", "elsewhere.test"), 1, "elsewhere.test is no domain of this server"),
    (("add", "not a domain"), 2, "DOMAIN: "),
    (("add", "example.test", "--selector", "../x"), 2, "../x is no selector"),
    (("add", "example.test", "--rsa-bits", "512"), 2, "--rsa-bits"),
    (("rotate", "example.test"), 1, "example.test has no keys; postrider dkim add example.test"),
    (("remove", "example.test"), 1, "example.test has no keys"),
    (("list", "example.test"), 1, "no keys of example.test"),
    (("rotate",), 2, "DOMAIN is required"),
])
def test_what_makes_no_sense_is_refused(server, arguments, code, said):
    out, err = run(server, "dkim", *arguments, code=code)
    assert said in err, out + err
    assert not list(server.data_dir.glob("dkim/*.pem"))


def test_a_second_set_of_new_keys_waits_for_the_first(server):
    step(server, "add", "example.test")
    assert "which wait for the DNS" in run(server, "dkim", "add", "example.test", code=1)[1]
    # This host's own name, and a domain above it.
    assert step(server, "add", "mx.example.test")[0] == "published"
    assert {one["domain"] for one in keys(server, "list", "--no-dns")} == {"example.test", "mx.example.test"}
    assert step(server, "add", "elsewhere.test", "--force")[0] == "published"


def test_two_commands_at_a_time_do_not_spoil_each_other(server):
    command = [str(binary()), "dkim", "add", "example.test", "--force", "--json", "--config", str(server.config_path)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    ended = [(one.communicate(timeout=60), one.returncode) for one in running]
    good = [out for (out, _), code in ended if code == 0]
    assert good and all(code == 0 or "another `postrider dkim`" in err for (_, err), code in ended), ended
    made = [key["selector"] for out in good for key in json.loads(out)["keys"]]
    assert sorted(states(server)) == sorted(made) and len(set(made)) == 2 * len(good)

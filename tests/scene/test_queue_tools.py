"""`postrider queue`: what a postmaster sees of the queue, and does to it, while the server runs."""

import concurrent.futures
import email
import json
import re
import socket
import threading

import pytest

from harness.control import Control, queue, queue_json, socket_path
from harness.ports import free_port
from harness.scenes import id_of, settled
from harness.sink import Sink
from harness.smtp import message
from harness.waiting import wait_until


@pytest.fixture
def sink():
    with Sink(("127.0.0.1", free_port())) as sink:
        yield sink


@pytest.fixture
def server(make_server, sink):
    """far.test and its subdomains are at the sink, dead.test is at a port where nobody listens, hold.test is held."""
    return make_server(networks=["127.0.0.0/8"], route=[
        {"domain": "far.test", "via": f"smtp://127.0.0.1:{sink.port}"},
        {"domain": ".far.test", "via": f"smtp://127.0.0.1:{sink.port}"},
        {"domain": "dead.test", "via": f"smtp://127.0.0.1:{free_port()}"},
        {"domain": "hold.test", "via": "hold"}])


def send(server, *recipients, sender="sender@client.test", text=None):
    with server.client() as client:
        client.ehlo()
        return id_of(client.deliver(text or message(), recipients, sender))


def obstruct(server, user="alice"):
    """Puts a file where the mailbox should be: its mail is put off for a minute."""
    path = server.maildir_path("example.test", user)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("not a folder")
    return path


def put_off(server, *recipients, **options):
    name = send(server, *recipients, **options)
    for recipient in recipients:
        server.wait_log(event=re.compile("deferred|held"), id=name, to=recipient)
    return name


def rows(server, *arguments):
    return queue_json(server, "list", *arguments)


def whom(server, *arguments):
    return sorted(row["to"] for row in rows(server, *arguments))


# --- looking -------------------------------------------------------------------------------------------


def test_an_empty_queue_has_nothing_to_list(server):
    assert queue(server, "list", code=1) == "postrider queue list: nothing in the queue matches\n"
    assert queue_json(server, "list", code=1) == []
    assert queue(server, "suspend") == "Nothing is suspended.\n"
    assert queue(server, "sites").startswith("No mail is on its way now")


def test_a_list_has_a_line_for_each_recipient(server):
    obstruct(server)
    name = put_off(server, "alice@example.test", "x@hold.test")
    heading, first, second = queue(server, "list").splitlines()
    assert heading.split() == ["ID", "AGE", "SIZE", "SENDER", "RECIPIENT", "STATE", "NEXT", "TRIES", "LAST", "REPLY"]
    assert re.fullmatch(rf"{name}  \d+s +\d+ B +sender@client\.test  alice@example\.test  waiting  in (\d+s|1m) +1 +"
                        r"451 4\.3\.5 mailbox misconfigured", first), first
    assert re.match(rf"{name}  \d+s +\d+ B +sender@client\.test  x@hold\.test +held +- ", second), second


def test_a_list_in_json_tells_all_of_a_row(server):
    obstruct(server)
    name = put_off(server, "alice@example.test")
    row, = rows(server)
    assert (row["id"], row["recipient"], row["state"], row["attempts"]) == (name, 0, "waiting", 1)
    assert (row["sender"], row["to"], row["destination"]) == ("sender@client.test", "alice@example.test", "example.test")
    assert row["last"]["reply"] == "451 4.3.5 mailbox misconfigured"
    assert row["received"] < row["due"]
    assert row["size"] == len(message())


def test_each_filter_narrows_the_list(server):
    first = put_off(server, "a@hold.test", "b@hold.test")
    put_off(server, "c@hold.test", sender="")
    put_off(server, "d@hold.test", sender="eve@sub.client.test")
    assert whom(server) == ["a@hold.test", "b@hold.test", "c@hold.test", "d@hold.test"]
    assert whom(server, first) == ["a@hold.test", "b@hold.test"]
    assert whom(server, first, "--recipient", "B@Hold.Test") == ["b@hold.test"]
    assert whom(server, "--sender", "<>") == ["c@hold.test"]
    assert whom(server, "--sender", "client.test") == ["a@hold.test", "b@hold.test"]
    assert whom(server, "--sender", ".client.test") == ["d@hold.test"]
    assert whom(server, "--sender", "eve@SUB.client.test") == ["d@hold.test"]
    assert whom(server, "--domain", "hold.test", "--younger", "1h", "--state", "held") == whom(server)
    for nobody in (["--older", "1h"], ["--state", "waiting"], ["--domain", "far.test"], ["--younger", "0s"],
                   ["--sender", "eve@client.test"], [first, "--sender", "<>"]):
        queue(server, "list", *nobody, code=1)


def test_a_list_can_be_narrowed_to_a_site(server):
    for _ in range(3):  # three failures in a row: it is given up for a while
        put_off(server, "a@dead.test")
    put_off(server, "a@hold.test")
    site, = queue_json(server, "sites")
    assert (site["destinations"], site["concurrency"], site["running"]) == (["dead.test"], 0, 0)
    assert site["given_up_until"] and site["last_failure"].startswith("451 4.4.1 ")
    heading, line = queue(server, "sites").splitlines()
    assert heading.split("  ")[0] == "SITE" and "  0 of 20 " in line and "  again in " in line
    assert whom(server, "--site", site["site"]) == ["a@dead.test"] * 3
    assert queue(server, "list", "--site", "nowhere", code=1).startswith(
        "postrider queue list: no mail is on its way to nowhere")


def test_a_site_has_what_was_held_before_the_server_was_restarted(server, sink):
    """Nothing in memory says any more where it goes."""
    site = f"smtp://127.0.0.1:{sink.port}"
    queue(server, "suspend", "--all")
    send(server, "x@far.test", "y@sub.far.test", "a@dead.test")
    queue(server, "hold", "--all")
    server.restart()
    queue(server, "resume", "--all")
    assert whom(server, "--site", site) == ["x@far.test", "y@sub.far.test"]
    assert queue(server, "release", "--site", site) == "2 recipients are released and tried now.\n"
    assert sorted(sum((one.recipients for one in sink.wait(2)), [])) == ["x@far.test", "y@sub.far.test"]
    assert whom(server, "--state", "held") == ["a@dead.test"]


def test_a_list_shows_so_many_rows_as_it_is_told(server):
    put_off(server, *(f"r{i}@hold.test" for i in range(5)))
    assert len(rows(server, "--limit", "3")) == 3
    assert len(rows(server, "--limit", "0")) == 5


@pytest.mark.deadline(240)
def test_two_thousand_messages_are_listed_and_changed_in_pages(server):
    def send_some(first):
        with server.client(timeout=30) as client:
            client.ehlo()
            for number in range(first, first + 125):
                client.pipeline("MAIL FROM:<sender@client.test>", f"RCPT TO:<r{number}@hold.test>")
                client.data(message())
    with concurrent.futures.ThreadPoolExecutor(16) as senders:  # many share one sync
        list(senders.map(send_some, range(0, 2000, 125)))
    wait_until(lambda: len(rows(server, "--state", "held", "--limit", "0")) == 2000, 30, "all of them to be held")
    ids = [row["id"] for row in rows(server, "--limit", "0")]
    assert len(set(ids)) == 2000 and ids == sorted(ids)
    assert len(rows(server)) == 100
    assert len(rows(server, "--limit", "1500")) == 1500
    assert "... and 1,980 more\n2,000 recipients would be removed" in queue(server, "remove", "--all", "--dry-run")
    assert queue(server, "remove", "--domain", "hold.test") == "2,000 recipients are removed; nobody is told.\n"
    queue(server, "list", code=1)


def test_a_message_is_shown_with_its_header_and_why_it_waits(server):
    obstruct(server)
    name = put_off(server, "alice@example.test", "x@hold.test",
                   text=message(Subject="a\x1b[31mb", X_Long="one\r\n two"))
    shown = queue(server, "show", name)
    assert f"Message    {name}\n" in shown and "Sender     sender@client.test\n" in shown
    assert re.search(r"From +\S*\[?127\.0\.0\.1\]?:\d+, which called itself client\.test, by ESMTP", shown), shown
    alice, held = shown[shown.index("  alice@"):shown.index("\nChanged")].split("  x@hold.test\n")
    assert "state   waiting; tried once, next try in " in alice
    assert re.search(r"why +\S.*mailbox misconfigured", alice) and re.search(r"until +20\d\d-.* \(in (\d+s|1m)\)", alice)
    assert "state   held until it is released" in held
    assert re.search(r"\n  \+ Received: from client\.test \(\[127\.0\.0\.1\]\)\n     by mx\.test ", shown), shown
    assert "\n  Subject: a?[31mb\n" in shown and "\n  X-Long: one\n   two\n" in shown and "\x1b" not in shown

    whole, = queue_json(server, "show", name)
    assert [recipient["state"] for recipient in whole["recipients"]] == ["waiting", "held"]
    assert whole["edits"][-1]["edit"] == "prepend" and whole["header"].startswith("From: sender@client.test\r\n")
    assert whole["origin"]["client"] == "127.0.0.1" and whole["origin"]["helo"] == "client.test"
    assert queue(server, "show", "0000000000001", code=1).endswith(
        "there is no message 0000000000001 in the queue\n")


def test_what_has_been_delivered_is_shown_as_gone(server):
    name = send(server, "bob@example.test", "x@hold.test")
    settled(server, name, "bob")
    server.wait_log(event="delivered", id=name)
    whole, = queue_json(server, "show", name)
    assert [recipient["state"] for recipient in whole["recipients"]] == ["gone", "held"]


# --- changing ------------------------------------------------------------------------------------------


def test_retry_brings_mail_at_once(server):
    path = obstruct(server)
    name = put_off(server, "alice@example.test")
    path.unlink()
    assert queue(server, "retry", name) == "1 recipient is tried now.\n"
    settled(server, name)
    assert queue(server, "retry", name, code=1) == "postrider queue retry: nothing in the queue matches\n"


def test_what_is_on_hold_waits_for_its_release(server):
    path = obstruct(server)
    first, second = put_off(server, "alice@example.test"), put_off(server, "alice@example.test")
    assert queue(server, "hold", "--all", "--reason", "a look first") == \
        "2 recipients are held until they are released.\n"
    path.unlink()
    assert [row["last"]["reply"] for row in rows(server, "--state", "held")] == \
        ["451 4.7.0 held by an operator: a look first"] * 2
    assert queue_json(server, "retry", first, code=1) == [{"change": "retry", "changed": 0, "unfit": 1, "busy": 0}]
    assert queue(server, "release", first) == "1 recipient is released and tried now.\n"
    settled(server, first)
    assert [row["id"] for row in rows(server)] == [second]
    assert queue(server, "release", "--recipient", "alice@example.test") == "1 recipient is released and tried now.\n"
    settled(server, second)


def test_what_is_removed_is_gone_and_nobody_is_told(server):
    name = put_off(server, "x@hold.test", "y@hold.test", sender="alice@example.test")
    assert queue(server, "remove", name, "--recipient", "x@hold.test") == "1 recipient is removed; nobody is told.\n"
    assert whom(server) == ["y@hold.test"]
    assert queue_json(server, "remove", "--all") == [{"change": "remove", "changed": 1, "unfit": 0, "busy": 0}]
    queue(server, "list", code=1)
    other = send(server, "alice@example.test")
    settled(server, other)
    assert len(server.maildir("example.test", "alice")) == 1


def test_a_bounce_tells_the_sender(server):
    put_off(server, "x@hold.test", sender="alice@example.test", text=message(Subject="lost and found"))
    assert queue(server, "bounce", "--domain", "hold.test", "--reason", "no such house") == \
        "1 recipient has failed by your word; its sender is told.\n"
    report = email.message_from_bytes(server.wait_mail("example.test", "alice")[0])
    assert report.get_content_type() == "multipart/report"
    text = report.as_string()
    assert "x@hold.test" in text and "no such house" in text and "lost and found" in text
    server.wait_log(event="delivered", to="alice@example.test")
    queue(server, "list", code=1)


@pytest.fixture
def play(make_server):
    """play(answers, *arguments): what `postrider queue ARGUMENTS` asks of a server that the test plays, which gives these."""
    def run(answers, *arguments):
        server = make_server(start=False)
        socket_path(server).parent.mkdir(parents=True)
        asked = []
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(socket_path(server)))
            listener.listen()

            def serve():
                for answer in answers:
                    with listener.accept()[0] as connection, connection.makefile("rwb") as stream:
                        asked.append(json.loads(stream.readline()))
                        stream.write(json.dumps(answer).encode() + b"\n")
            player = threading.Thread(target=serve)
            player.start()
            queue(server, *arguments)
            player.join()
        return asked
    return run


def test_each_page_of_a_change_ends_where_the_first_said(play):
    page = {"changed": 1, "unfit": 0, "busy": 0, "before": "01hx3vaqk4000"}
    asked = play([{**page, "next": "01hx3v5t0c001/0"}, {**page, "next": None}], "bounce", "--all")
    assert [(one.get("before"), one.get("after")) for one in asked] == [
        (None, None), ("01hx3vaqk4000", "01hx3v5t0c001/0")]


def test_a_site_with_many_domains_is_changed_in_parts(play):
    page = {"changed": 1, "unfit": 0, "busy": 0, "before": "01hx3vaqk4000", "next": None}
    names = [f"{'x' * (60 if i % 2 else 5)}{i}.test" for i in range(25000)]
    asked = play([{"destinations": names, "not_told": 0}, page, page, page], "hold", "--site", "smtp://192.0.2.1:25")
    parts = [one["selection"]["destinations"] for one in asked[1:]]
    assert sum(parts, []) == names and all(len(part) <= 10000 for part in parts)
    assert [one.get("before") for one in asked[1:]] == [None, "01hx3vaqk4000", "01hx3vaqk4000"]


def test_what_came_after_a_change_began_is_left_alone(server):
    put_off(server, "x@hold.test", sender="alice@hold.test")
    with Control(socket_path(server)) as control:
        request = {"do": "change", "change": "bounce", "selection": {"everything": True}}
        before = control.say({**request, "dry_run": True})["before"]
        assert control.say({**request, "before": before})["changed"] == 1
        wait_until(lambda: whom(server) == ["alice@hold.test"], 10, "the notification")
        answer = control.say({**request, "before": before})
        assert (answer["changed"], answer["unfit"], answer["before"], answer["next"]) == (0, 0, before, None)
    assert whom(server) == ["alice@hold.test"]


def test_a_dry_run_changes_nothing(server):
    put_off(server, *(f"r{i}@hold.test" for i in range(25)))
    said = queue(server, "release", "--all", "--dry-run").splitlines()
    assert len(said) == 1 + 20 + 2
    assert said[-2:] == ["... and 5 more", "25 recipients would be released and tried."]
    dry, = queue_json(server, "bounce", "--domain", "hold.test", "--dry-run")
    assert (dry["would_change"], dry["unfit"], len(dry["first"])) == (25, 0, 20)
    assert queue(server, "retry", "--all", "--dry-run", code=1) == ""
    assert len(rows(server, "--state", "held")) == 25


def test_nothing_is_changed_by_less_than_a_choice(server):
    put_off(server, "x@hold.test")
    for change in ("retry", "hold", "release", "bounce", "remove"):
        assert "say which: ids, --sender" in queue(server, change, code=2)
    assert "contradict each other" in queue(server, "remove", "--all", "--domain", "hold.test", code=2)
    assert len(rows(server)) == 1


@pytest.mark.parametrize("arguments", [
    ["list", "--older", "2 weeks"], ["list", "--state", "lost"], ["list", "abc"], ["list", "--sender", "a b@c"],
    ["list", "--domain", ".far.test"], ["show"], ["retry", "--all", "--no-such-option"], ["suspend", "--for", "2h"],
    ["suspend", "--all", "--for", "soon"], ["resume"], ["resume", "x"], [], ["list", "--domain", "a.test", "--site", "b"]],
    ids=" ".join)
def test_what_is_no_command_ends_with_2_and_says_why(server, arguments):
    assert queue(server, *arguments, code=2).strip()


# --- suspending ----------------------------------------------------------------------------------------


def test_a_suspended_domain_gets_its_mail_when_it_goes_on(server, sink):
    said = queue(server, "suspend", "--domain", "far.test", "--for", "2h", "--reason", "they asked")
    number = re.fullmatch(r"Suspended: mail to far\.test, until 20\S+ \S+ UTC\. "
                          r"It ends with: postrider queue resume (\d+)\n", said)[1]
    name = send(server, "x@far.test", "y@sub.far.test")
    assert [one.recipients for one in sink.wait(1)] == [["y@sub.far.test"]]
    wait_until(lambda: whom(server) == ["x@far.test"], 10, "what waits")
    recipient = queue_json(server, "show", name)[0]["recipients"][0]
    assert "suspended: they asked" in recipient["why"] and recipient["until"]
    heading, line = queue(server, "suspend").splitlines()
    assert re.fullmatch(rf"{number} +mail to far\.test +\d+s ago +in (2h|1h 59m) +they asked", line), line
    server.restart()
    assert [row["to"] for row in rows(server)] == ["x@far.test"]
    assert queue(server, "resume", number) == "Goes on: mail to far.test.\n"
    assert sink.wait(2)[1].recipients == ["x@far.test"]
    assert queue(server, "resume", number, code=1).startswith("postrider queue resume: no such thing is suspended")


def test_a_suspension_ends_by_itself(server, sink):
    queue(server, "suspend", "--domain", ".far.test", "--for", "2s")
    send(server, "x@sub.far.test")
    assert len(queue_json(server, "suspend")) == 1
    assert sink.wait(1)[0].recipients == ["x@sub.far.test"]
    wait_until(lambda: queue_json(server, "suspend") == [], 10, "the end of the suspension")


def test_what_was_put_off_for_its_sender_is_tried_when_that_ends(server, sink):
    queue(server, "suspend", "--sender", "sender@client.test")
    send(server, "x@far.test")
    send(server, "y@far.test", sender="other@client.test")
    assert sink.wait(1)[0].recipients == ["y@far.test"]
    wait_until(lambda: rows(server)[0]["due"] > rows(server)[0]["received"], 10, "the put-off message")
    said = queue(server, "resume", "--sender", "sender@client.test")
    assert said == "Goes on: mail of sender@client.test; 1 recipient is tried now.\n"
    assert sink.wait(2)[1].recipients == ["x@far.test"]


def test_all_can_be_suspended_and_a_second_suspension_stands_for_the_first(server, sink):
    queue(server, "suspend", "--all", "--reason", "one")
    made, = queue_json(server, "suspend", "--all", "--reason", "two")
    assert (made["what"], made["reason"], made["until"]) == ("all", "two", None)
    assert [each["reason"] for each in queue_json(server, "suspend")] == ["two"]
    name = send(server, "alice@example.test")
    send(server, "x@far.test")
    assert whom(server) == ["alice@example.test", "x@far.test"]
    assert (sink.messages, server.maildir("example.test", "alice")) == ([], [])
    assert queue(server, "resume", "--all") == "Goes on: all mail that goes out.\n"
    settled(server, name)
    sink.wait(1)


def test_a_site_can_be_suspended(server, sink):
    site = f"smtp://127.0.0.1:{sink.port}"
    server.wait_log(event="relayed", id=send(server, "x@far.test"))
    queue(server, "suspend", "--site", site)
    send(server, "y@far.test")
    assert whom(server) == ["y@far.test"]
    assert queue(server, "resume", "--site", site) == f"Goes on: mail to the site {site}.\n"
    assert sink.wait(2)[1].recipients == ["y@far.test"]


# --- without a server ----------------------------------------------------------------------------------


def test_a_stopped_servers_spool_is_read_offline(server):
    name = put_off(server, "x@hold.test", "y@hold.test")
    put_off(server, "z@hold.test", sender="")
    while_running = rows(server)
    server.stop()
    assert queue(server, "list", code=1) == (
        f"postrider queue list: no server answers at {server.data_dir}/run/control: is it running? "
        "queue list --offline reads a stopped server's spool\n")
    assert rows(server, "--offline") == while_running
    assert whom(server, "--offline", "--sender", "<>") == ["z@hold.test"]
    assert whom(server, "--offline", name) == ["x@hold.test", "y@hold.test"]
    assert "only a running server knows" in queue(server, "list", "--offline", "--site", "x", code=2)


def test_a_faulty_configuration_is_named(make_server):
    server = make_server(start=False, nonsense=1)
    assert "the configuration has faults" in queue(server, "list", code=1)

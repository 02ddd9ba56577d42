"""DKIM and ARC with others: what we sign, dkimpy, OpenDKIM and mailauth verify; what they sign, we verify. Each algorithm and
canonicalization, over messages that are odd enough to tell two readings of RFC 6376 apart."""

import base64
import ctypes
import ctypes.util
import itertools
import json
import pathlib
import subprocess

import dkim
import pytest

from harness.dkim import sign_with, verdicts
from harness.peers import peers_folder
from harness.server import binary
from harness.sink import Sink

DOMAIN = "example.test"
FORMS = ["simple", "relaxed"]
HEADER = (b"From: Alice <alice@example.test>\r\nTo: bob@example.test\r\nDate: Fri, 11 Jul 2003 21:00:37 -0700\r\n"
          b"Message-ID: <1@example.test>\r\n")
MESSAGES = {
    "plain": HEADER + b"Subject: x\r\n\r\nHi.\r\n\r\nJoe.\r\n",
    "no body": HEADER + b"Subject: x\r\n\r\n",
    "blank lines at the end": HEADER + b"Subject: x\r\n\r\nHi.\r\n\r\n\r\n\r\n",
    "only blank lines": HEADER + b"Subject: x\r\n\r\n\r\n\r\n\r\n",
    "only white space": HEADER + b"Subject: x\r\n\r\n \t\r\n  \r\n",
    "white space": HEADER + b"Subject: x\r\n\r\n  a  b\t\tc \t \r\n\t\r\nd \r\n \r\n",
    "folded": HEADER + b"Subject:\r\n  folded \t twice\r\n\t and  again \r\nX-Empty:\r\nX-Space: \r\n\r\nHi.\r\n",
    "repeated": (b"Subject: first\r\nTo: first@example.test\r\n" + HEADER +
                 b"SUBJECT: second\r\nTo: third@example.test\r\nSubject: third\r\n\r\nHi.\r\n"),
    "resent twice": (b"Resent-To: second@example.test\r\nResent-From: bob@example.test\r\n"
                     b"resent-to: first@example.test\r\n" + HEADER + b"List-Id: <a.b>\r\nSubject: x\r\n\r\nHi.\r\n"),
    "eight bits": HEADER + "Subject: äöü\r\n\r\nGrüße \r\n".encode() + bytes(range(128, 256)) + b"\r\n",
    "dots and dashes": HEADER + b"Subject: x\r\n\r\n.\r\n..\r\n-- \r\nFrom here\r\n--b\r\n",
    "one long line": HEADER + b"Subject: x\r\n\r\n" + b"ab  " * 20_000 + b"\r\n",
}
LINES = b"Line  of  text, with white space at its end \r\n" + b"x" * 70 + b"\r\n\r\n"
LARGE = HEADER + b"Subject: x\r\n\r\n" + LINES * 440_000


def trial(*arguments, message):
    """What dkim_trial says."""
    done = subprocess.run([binary().parent / "dkim_trial", *arguments], input=message, capture_output=True,
                          timeout=60, check=True)
    return done.stdout


class Key:
    """One that openssl made, with its record."""

    def __init__(self, folder, algorithm):
        self.algorithm, self.selector = algorithm, algorithm.partition("-")[0]
        self.path = folder / f"{self.selector}.pem"
        kind = ["ED25519"] if self.selector == "ed25519" else ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]
        self._openssl("genpkey", "-algorithm", *kind, "-out", self.path)
        self._der = self._openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        public = self._der[-32:] if self.selector == "ed25519" else self._der
        self.record = f"v=DKIM1; k={self.selector}; p={_base64(public)}"
        self.name = f"{self.selector}._domainkey.{DOMAIN}"

    def for_dkimpy(self):
        """dkimpy takes the seed of an Ed25519 key in base64, and RSA keys in PEM."""
        if self.selector == "rsa":
            return self.path.read_bytes()
        return _base64(self._openssl("pkey", "-in", self.path, "-outform", "DER")[-32:]).encode()

    @staticmethod
    def _openssl(*arguments):
        return subprocess.run(["openssl", *arguments], capture_output=True, timeout=60, check=True).stdout


def _base64(octets):
    return base64.b64encode(octets).decode()


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    return {algorithm: Key(folder, algorithm) for algorithm in ("rsa-sha256", "ed25519-sha256")}


@pytest.fixture
def dns(keys, make_dns):
    """Answers for the keys where resolv.conf asks."""
    return make_dns({key.name: {"TXT": [key.record]} for key in keys.values()}, address="127.0.0.53", port=53)


def ours_verifies(message, keys):
    return trial("verify", *(f"{key.name}={key.record}" for key in keys), message=message).decode().splitlines()


def dkimpy_verifies(message, keys):
    """One for each signature."""
    records = {f"{key.name}.".encode(): key.record.encode() for key in keys}
    verifier = dkim.DKIM(message)
    signatures = sum(name.lower() == b"dkim-signature" for name, _ in verifier.headers)
    return [verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: records[name]) for index in range(signatures)]


def opendkim_verifies(message):
    done = subprocess.run(["opendkim-testmsg"], input=message, capture_output=True, timeout=60, check=False)
    return done.returncode == 0 and not done.stdout + done.stderr, done.stderr


class OpenDkim:
    """The library, since opendkim-testmsg signs by rsa-sha1 alone. Numbers and signatures are those of dkim.h."""

    FORMS = {"simple": 0, "relaxed": 1}
    RSA_SHA256 = 1

    def __init__(self):
        self._lib = ctypes.CDLL("libopendkim.so.11")
        pointer = ctypes.c_void_p
        for name, result, arguments in [
                ("dkim_init", pointer, [pointer, pointer]), ("dkim_close", None, [pointer]),
                ("dkim_sign", pointer, [pointer, ctypes.c_char_p, pointer, ctypes.c_char_p, ctypes.c_char_p,
                                        ctypes.c_char_p, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_ssize_t,
                                        ctypes.POINTER(ctypes.c_int)]),
                ("dkim_chunk", ctypes.c_int, [pointer, ctypes.c_char_p, ctypes.c_size_t]),
                ("dkim_eom", ctypes.c_int, [pointer, pointer]), ("dkim_free", ctypes.c_int, [pointer]),
                ("dkim_getsighdr_d", ctypes.c_int, [pointer, ctypes.c_size_t, ctypes.POINTER(ctypes.c_char_p),
                                                    ctypes.POINTER(ctypes.c_size_t)])]:
            function = getattr(self._lib, name)
            function.restype, function.argtypes = result, arguments

    def sign(self, message, key, header, body):
        lib, status = self._lib, ctypes.c_int()
        library = lib.dkim_init(None, None)
        handle = lib.dkim_sign(library, b"trial", None, key.path.read_bytes(), key.selector.encode(), DOMAIN.encode(),
                               self.FORMS[header], self.FORMS[body], self.RSA_SHA256, -1, ctypes.byref(status))
        assert handle, status.value
        assert lib.dkim_chunk(handle, message, len(message)) == 0
        assert lib.dkim_chunk(handle, None, 0) == 0
        assert lib.dkim_eom(handle, None) == 0
        text, size = ctypes.c_char_p(), ctypes.c_size_t()
        assert lib.dkim_getsighdr_d(handle, len("DKIM-Signature: "), ctypes.byref(text), ctypes.byref(size)) == 0
        field = text.value[:size.value].replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        lib.dkim_free(handle)
        lib.dkim_close(library)
        return b"DKIM-Signature: " + field + b"\r\n" + message


def mailauth(doing, messages, records=(), **options):
    """What mailauth.js says of each, or makes of it."""
    said = subprocess.run(
        ["node", pathlib.Path(__file__).parent / "mailauth.js", peers_folder() / "node_modules/mailauth"],
        input=json.dumps({"do": doing, "messages": [_base64(message) for message in messages],
                          "records": {key.name: key.record for key in records}, **options}).encode(),
        capture_output=True, timeout=60, check=False)
    assert said.returncode == 0, said.stderr.decode()
    return [base64.b64decode(one) if isinstance(one, str) else one for one in json.loads(said.stdout)]


def mailauth_key(key):
    return {"signingDomain": DOMAIN, "selector": key.selector, "privateKey": key.path.read_text(), "algorithm": key.algorithm}


def combinations():
    return itertools.product(FORMS, FORMS)


@pytest.mark.parametrize("name", MESSAGES)
def test_what_we_sign_verifies_with_dkimpy(name, keys):
    for header, body in combinations():
        message = trial("sign", f"{header}/{body}", DOMAIN, *(f"{key.selector}={key.path}" for key in keys.values()),
                        message=MESSAGES[name])
        assert dkimpy_verifies(message, keys.values()) == [True, True], (header, body)


# opendkim-testmsg refuses a message that has more than one Subject.
@pytest.mark.parametrize("name", [name for name in MESSAGES if name != "repeated"])
def test_what_we_sign_verifies_with_opendkim(name, keys, dns):
    for (header, body), key in itertools.product(combinations(), keys.values()):
        message = trial("sign", f"{header}/{body}", DOMAIN, f"{key.selector}={key.path}", message=MESSAGES[name])
        assert opendkim_verifies(message) == (True, b""), (header, body, key.algorithm)
    changed = message.replace(b"From: Alice", b"From: Mallory")
    assert not opendkim_verifies(changed)[0]


def test_what_we_sign_verifies_with_mailauth(keys):
    for header, body in combinations():
        signed = [trial("sign", f"{header}/{body}", DOMAIN, *(f"{key.selector}={key.path}" for key in keys.values()),
                        message=message) for message in MESSAGES.values()]
        said = mailauth("verify", signed, keys.values())
        assert [one["dkim"] for one in said] == [["pass", "pass"]] * len(MESSAGES), (header, body)
        changed = mailauth("verify", [message.replace(b"alice@", b"mallory@") for message in signed], keys.values())
        assert all("pass" not in one["dkim"] for one in changed)


def test_what_mailauth_signs_we_verify(keys):
    for (header, body), key in itertools.product(combinations(), keys.values()):
        signed = mailauth("sign", MESSAGES.values(), form=f"{header}/{body}", key=mailauth_key(key))
        for name, message in zip(MESSAGES, signed):
            assert ours_verifies(message, [key]) == ["pass"], (name, header, body, key.algorithm)


def test_what_the_whole_server_signs_verifies_with_both(make_server, make_dns):
    dns = make_dns({}, address="127.0.0.53", port=53, ttl=0)
    with Sink(("127.0.0.1", 0)) as sink:
        server = make_server(hostname="mx.example.test", networks=["127.0.0.1"], dns={"servers": [dns.server]},
                             route=[{"domain": "*", "via": f"smtp://127.0.0.1:{sink.port}"}])
        sign_with(server, dns, DOMAIN)
        for count, (name, text) in enumerate(MESSAGES.items(), 1):
            with server.client() as client:
                client.ehlo()
                client.deliver(text, ["bob@far.test"], "alice@example.test", params="BODY=8BITMIME")
            content = sink.wait(count)[-1].content
            assert content.endswith(text), name
            assert verdicts(content, dns.records) == [True, True], name
            if name != "repeated":
                assert opendkim_verifies(content) == (True, b""), name


@pytest.mark.parametrize("name", MESSAGES)
def test_what_dkimpy_signs_we_verify(name, keys):
    for (header, body), key, length in itertools.product(combinations(), keys.values(), (False, True)):
        field = dkim.sign(MESSAGES[name], key.selector.encode(), DOMAIN.encode(), key.for_dkimpy(),
                          canonicalize=(header.encode(), body.encode()), length=length,
                          signature_algorithm=key.algorithm.encode())
        assert ours_verifies(field + MESSAGES[name], [key]) == ["pass"], (header, body, key.algorithm, length)


@pytest.mark.parametrize("name", MESSAGES)
def test_what_opendkim_signs_we_verify(name, keys):
    # What it signs by Ed25519 verifies with nobody, itself included.
    key = keys["rsa-sha256"]
    for header, body in combinations():
        message = OpenDkim().sign(MESSAGES[name], key, header, body)
        assert ours_verifies(message, [key]) == ["pass"], (header, body)


def test_a_message_of_50_mib_verifies_here_and_there(keys, dns):
    key = keys["rsa-sha256"]
    assert len(LARGE) > 50 << 20
    message = trial("sign", "relaxed/relaxed", DOMAIN, f"{key.selector}={key.path}", message=LARGE)
    assert ours_verifies(message, [key]) == ["pass"]
    assert ours_verifies(message + b"x", [key]) == ["fail: the body has changed"]
    assert opendkim_verifies(message) == (True, b"")
    assert dkimpy_verifies(message, [key]) == [True]


@pytest.mark.parametrize("name", MESSAGES)
def test_chains_that_dkimpy_and_we_seal_are_valid_to_both(name, keys):
    key = keys["rsa-sha256"]  # the one that dkimpy knows for ARC
    records = [f"{key.name}={key.record}"]

    def dnsfunc(name, timeout=5):
        return {f"{key.name}.".encode(): key.record.encode()}.get(name)

    message = MESSAGES[name]
    assert trial("chain", *records, message=message) == b"none\n"
    for hop in range(4):
        if hop % 2 == 0:
            message = trial("seal", DOMAIN, f"{key.selector}={key.path}", *records, message=message)
        else:
            # It looks there for what became of the chain so far.
            sealer = b"mx%d.example.test" % hop
            message = b"Authentication-Results: " + sealer + b"; arc=pass\r\n" + message
            message = b"".join(dkim.arc_sign(message, key.selector.encode(), DOMAIN.encode(), key.path.read_bytes(),
                                             sealer)) + message
        assert trial("chain", *records, message=message) == b"pass\n", hop
        assert dkim.arc_verify(message, dnsfunc=dnsfunc)[0] == b"pass", hop
    changed = message.replace(b"alice@", b"mallory@")
    assert trial("chain", *records, message=changed).startswith(b"fail: ")
    assert dkim.arc_verify(changed, dnsfunc=dnsfunc)[0] == b"fail"


def test_chains_that_mailauth_and_we_seal_are_valid_to_both(keys):
    key = keys["rsa-sha256"]  # by Ed25519 it seals the text itself, where RFC 8463 3 has its hash
    record = f"{key.name}={key.record}"
    messages = list(MESSAGES.values())
    for hop in range(4):
        if hop % 2 == 0:
            messages = [trial("seal", DOMAIN, f"{key.selector}={key.path}", record, message=message) for message in messages]
        else:
            messages = mailauth("seal", messages, [key], key=mailauth_key(key), name=f"mx{hop}.example.test")
        assert [trial("chain", record, message=message) for message in messages] == [b"pass\n"] * len(messages), hop
        assert [one["arc"] for one in mailauth("verify", messages, [key])] == ["pass"] * len(messages), hop

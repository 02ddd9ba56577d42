"""The client's side of SASL mechanisms, octet by octet, and accounts to log in to."""

import base64
import hashlib
import hmac
import os
import subprocess

from harness.server import binary

PASSWORD = "pencil"


def b64(octets):
    return base64.b64encode(octets.encode() if isinstance(octets, str) else octets).decode("ascii")


def plain(user, password=PASSWORD, act_for=""):
    return b64(f"{act_for}\0{user}\0{password}")


def bearer(user, token):
    return b64(f"n,a={user},\x01host=mx.test\x01port=587\x01auth=Bearer {token}\x01\x01")


def xoauth2(user, token):
    return b64(f"user={user}\x01auth=Bearer {token}\x01\x01")


def add_accounts(server, *names, domain="users.test", scram=True, password=PASSWORD):
    """Accounts in the directory's database, of a server that is not started yet, or is."""
    say(server, "domain", "add", domain)
    for name in names:
        say(server, "account", "add", f"{name}@{domain}", "--stdin", *(["--scram"] if scram else []),
             stdin=password + "\n")


def say(server, *arguments, stdin=""):
    done = subprocess.run([str(binary()), *arguments, "--config", str(server.config_path)], input=stdin,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


class Scram:
    """SCRAM-SHA-256 (RFC 7677) over a harness.smtp.Client; `header` is the GS2 header. login() gives the last reply."""

    def __init__(self, client, user, password=PASSWORD, header="n,,"):
        self.client, self.user, self.password, self.header = client, user, password, header

    def login(self, mechanism="SCRAM-SHA-256"):
        bare = f"n={self.user},r={b64(os.urandom(18))}"
        reply = self.client.cmd(f"AUTH {mechanism} {b64(self.header + bare)}")
        if reply.code != 334:
            return reply
        server_first = base64.b64decode(reply.text).decode()
        fields = dict(field.split("=", 1) for field in server_first.split(","))
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
        without_proof = f"c={b64(self.header)},r={fields['r']}"
        auth_message = f"{bare},{server_first},{without_proof}".encode()
        client_key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(client_key).digest(), auth_message)
        proof = bytes(x ^ y for x, y in zip(client_key, signature))
        reply = self.client.cmd(b64(f"{without_proof},p={b64(proof)}"))
        if reply.code != 334:
            return reply
        expected = _hmac(_hmac(salted, b"Server Key"), auth_message)
        assert base64.b64decode(reply.text) == b"v=" + base64.b64encode(expected), "the server has not proved itself"
        return self.client.cmd("")


def _hmac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()

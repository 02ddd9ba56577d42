"""A message of 4 KiB that is what it says: signed with RSA-2048, and what the DNS has of its sender."""

import base64
import pathlib
import subprocess

import dkim

SIZE = 4096
NAME = "s._domainkey.client.test"


class SignedMail:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        key = self.path.with_suffix(".pem")
        self._openssl("genrsa", "-out", key, "2048")
        self.public = base64.b64encode(self._openssl("rsa", "-in", key, "-pubout", "-outform", "DER")).decode()
        header = (b"From: <sender@client.test>\r\nTo: <user@mailbox.test>\r\nSubject: what it costs\r\n"
                  b"Date: Thu, 26 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@client.test>\r\n")
        line = b"x" * 70 + b"\r\n"
        mail = header + b"\r\n" + line * ((SIZE - 800) // len(line))
        signature = dkim.sign(mail, b"s", b"client.test", key.read_bytes(), canonicalize=(b"relaxed", b"relaxed"))
        # smtp-source ends each line by itself.
        self.path.write_bytes((signature + mail).replace(b"\r\n", b"\n"))

    def records(self, client):
        reverse = ".".join(reversed(client.split("."))) + ".in-addr.arpa"
        return {"client.test": {"TXT": [f"v=spf1 ip4:{client} -all"], "A": [client]},
                reverse: {"PTR": ["client.test"]},
                "_dmarc.client.test": {"TXT": ["v=DMARC1; p=reject"]},
                NAME: {"TXT": [f"v=DKIM1; k=rsa; p={self.public}"]}}

    @staticmethod
    def _openssl(*words):
        return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True).stdout

"""A provider of identities on loopback: it signs tokens, shows its keys, and is asked about tokens."""

import base64
import http.server
import json
import pathlib
import subprocess
import threading
import time
import urllib.parse


def _url64(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def _openssl(*arguments, stdin=b""):
    return subprocess.run(["openssl", *map(str, arguments)], input=stdin, stdout=subprocess.PIPE, timeout=60,
                          check=True).stdout


class IdentityProvider:
    """`/keys` is its JWKS, `/introspect` RFC 7662's endpoint, which knows `tokens` and wants client "mail" with "s3cret"."""

    ISSUER, AUDIENCE = "https://id.test", "mail"

    def __init__(self, folder):
        self.key = pathlib.Path(folder) / "identity.key"
        _openssl("genrsa", "-out", self.key, "2048")
        self.key_id, self.tokens, self.asked, self.status = "one", {}, [], 200
        provider = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                provider.asked.append(self.path)
                self.tell(provider.keys())

            def do_POST(self):  # pylint: disable=invalid-name
                form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                provider.asked.append(self.path)
                allowed = self.headers["Authorization"] == "Basic " + base64.b64encode(b"mail:s3cret").decode()
                self.tell(provider.tokens.get(form["token"][0], {"active": False}), 200 if allowed else 401)

            def tell(self, value, status=200):
                octets = json.dumps(value).encode()
                self.send_response(status if provider.status == 200 else provider.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def keys(self):
        modulus = _openssl("rsa", "-in", self.key, "-noout", "-modulus").decode().strip().partition("=")[2]
        return {"keys": [{"kty": "RSA", "kid": self.key_id, "use": "sig", "alg": "RS256",
                          "n": _url64(bytes.fromhex(modulus)), "e": "AQAB"}]}

    def token(self, email, key_id=None, **claims):
        """A signed token (RS256)."""
        header = {"alg": "RS256", "kid": key_id or self.key_id}
        payload = {"iss": self.ISSUER, "aud": self.AUDIENCE, "email": email, "exp": int(time.time()) + 600, **claims}
        signed = ".".join(_url64(json.dumps(part).encode()) for part in (header, payload))
        return f"{signed}.{_url64(_openssl('dgst', '-sha256', '-sign', self.key, stdin=signed.encode()))}"

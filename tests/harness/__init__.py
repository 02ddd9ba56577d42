"""What the scene, interop and crash tests stand on: a server, a raw SMTP client, a fake DNS, peers."""
